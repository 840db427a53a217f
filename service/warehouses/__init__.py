"""Implementations of the Fulfiller port."""
