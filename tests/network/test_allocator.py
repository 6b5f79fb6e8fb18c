import platform
import subprocess
import sys

import pytest

from ratescope.network.allocator import keep_large_blocks

FAULTS = """
import resource
import numpy as np
from ratescope.network.allocator import keep_large_blocks

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(16_000_000, np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
assert keep_large_blocks()
faults()
print(plain, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns large blocks to the kernel")
def test_kept_blocks_are_not_faulted_in_again():
    """Five activations of 64 MB, each let go before the next."""
    run = subprocess.run([sys.executable, "-c", FAULTS], check=True, capture_output=True, text=True)
    plain, kept = map(int, run.stdout.split())
    assert kept < 0.1 * plain


def test_elsewhere_than_on_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    keep_large_blocks.cache_clear()
    assert keep_large_blocks() is False
    keep_large_blocks.cache_clear()
