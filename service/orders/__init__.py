"""The domain: what an order is and how it may live. Imports no AWS, no web framework, no clock and no randomness."""
