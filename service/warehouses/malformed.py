"""The error of a document that is not one of the warehouse contract."""


class Malformed(Exception):
    """The document is not one of the contract. The message says why and quotes nothing of it."""
