"""A helper of a training, as ``python -m ratescope.network MEETING RANK SIZE``: the first process starts it.

Its end says nothing: where the training failed or was stopped, the first process has said so.
"""

import sys
from pathlib import Path

from ratescope.errors import TrainingError
from ratescope.network.team import joined, say_ready
from ratescope.network.training import help_out

if __name__ == "__main__":
    meeting, rank, size = sys.argv[1:]
    say_ready(Path(meeting), int(rank))
    try:
        with joined(Path(meeting), int(rank), int(size)) as team:
            help_out(team)
    except TrainingError:
        sys.exit(1)
