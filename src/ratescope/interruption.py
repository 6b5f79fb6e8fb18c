"""A command that is told to end by SIGTERM ends as one that Ctrl-C interrupts: cluster queues and `kill` send that.

Without this, Python would end at once: half a file would stay under its temporary name, and what it shares with the
processes that work for it would be left to the system.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType

_ONE_REQUEST_S = 5.0  # our choice: `timeout` and queues signal a process and then its group, which is one request


@contextmanager
def termination_interrupts() -> Iterator[Callable[[], bool]]:
    """Raise KeyboardInterrupt in the block when SIGTERM comes; what is yielded tells whether one came.

    Where somebody else handles or ignores SIGTERM, or outside the main thread, which alone can, nothing changes.
    """
    came_at = -inf

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal came_at
        is_repeated = time.monotonic() - came_at < _ONE_REQUEST_S
        if not is_repeated:  # else it would cut short the tidying up that the first one began
            came_at = time.monotonic()
            raise KeyboardInterrupt

    def was_terminated() -> bool:
        return came_at > -inf

    is_free = (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    )
    if is_free:
        signal.signal(signal.SIGTERM, interrupt)
    try:
        yield was_terminated
    finally:
        if is_free:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
