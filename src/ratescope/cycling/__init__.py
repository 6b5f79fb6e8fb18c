"""Cycler file → capacities (sections 2.1 and 2.2 of the paper)."""
