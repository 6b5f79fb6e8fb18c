"""File → crop: a micrograph is read, levelled, bounded and cut (sections 2.2 and 2.3 of the paper)."""
