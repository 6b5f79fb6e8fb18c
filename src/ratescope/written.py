"""What a command leaves behind, for the command line to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Written:
    """What a command wrote, which of its inputs were refused, and what to mind, in words.

    Attributes
    ----------
    files : list of Path
        What to open, the page for people first.
    inputs : int
        How many were tried.
    refused : dict
        By input: why it was refused, in words.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    inputs: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
