"""What was seen and should be known: of a micrograph, of a cell, of a rate curve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something seen in a micrograph that its user should know; as a reason, why it or a section was refused.

    Attributes
    ----------
    code : str
        Short and stable, for scripts: ``"no-collector"``.
    text : str
        One sentence for people.
    """

    code: str
    text: str
