"""SIGTERM, as cluster queues and `timeout` send it: in a process of its own, which a fault in the code would end."""

import subprocess
import sys

import pytest

WORK = """
import signal, sys
import ratescope.campaign.template
from ratescope.cli import main

def work(folder):
    try:
        signal.raise_signal(signal.SIGTERM)
        print("went on")
        return []
    finally:
        signal.raise_signal(signal.SIGTERM)
        print("tidied up", flush=True)

ratescope.campaign.template.write_template = work
BEFORE
sys.exit(main(["campaign", "new", "somewhere"]))
"""


def end_of(before=""):
    code = WORK.replace("BEFORE", before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without telling them")
def test_a_terminated_command_tidies_up_and_tells_how_to_go_on():
    """Also where the signal comes twice, as a process that is signalled with its group gets it."""
    done = end_of()
    assert done.stdout == "tidied up\n"
    assert done.stderr == "terminated; run the same command again; it begins anew\n"
    assert done.returncode == 143


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without telling them")
def test_who_ignores_termination_goes_on_ignoring_it():
    done = end_of("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert done.stdout == "went on\ntidied up\n"
    assert done.returncode == 0
