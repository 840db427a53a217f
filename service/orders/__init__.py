"""The domain: orders and their lifecycle. Imports no AWS, no web framework, no clock and no randomness."""
