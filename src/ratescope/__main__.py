"""``python -m ratescope``."""

import sys

from ratescope.cli import main

if __name__ == "__main__":
    sys.exit(main())
