"""The conformance checks: they place orders at a warehouse, and tell which promises of the contract it keeps.

docs/warehouse.md describes the contract. ``dofs warehouse check`` runs the checks.
"""

LEAST_ORDERS = 14
"""The orders that the checks need."""
