"""Signed maps of influence (section 2.7 of the paper)."""
