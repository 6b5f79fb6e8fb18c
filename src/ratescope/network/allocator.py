"""Keep large blocks of memory inside the process: half of a training step's time otherwise goes to page faults.

glibc returns every large activation to the kernel and faults it in again, page by page, one step later. Two settings
keep them; they change where memory lies, never a result. Elsewhere (macOS, Windows, musl) there is nothing to do.
"""

from __future__ import annotations

import ctypes
import platform
from functools import lru_cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


@lru_cache(maxsize=1)
def keep_large_blocks() -> bool:
    """Ask the allocator to keep blocks up to 1 GiB, once per process; whether it agreed."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
