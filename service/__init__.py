"""DOFS, the Distributed Order Fulfillment System."""

__version__ = "0.1.0"
