"""Converts the orders of shops to order documents: their JSON and their CSV exports."""
