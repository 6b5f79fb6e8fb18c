"""Numbers with their nouns, so that no sentence speaks of one inputs or of 2 input(s)."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """A count and its noun, which takes an s unless ``many`` is given.

    >>> counted(1, "crop"), counted(0, "crop"), counted(2, "thing to mend", "things to mend")
    ('1 crop', '0 crops', '2 things to mend')
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"
