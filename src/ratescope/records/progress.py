"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[int, int, str], None]
"""Called by long functions as ``on_progress(done, total, what)``."""


def no_progress(done: int, total: int, what: str) -> None:
    """Say nothing: the default where nobody watches."""
