"""Everything that ratescope raises on purpose, as one tree: one ``except`` in the command line says it in a sentence.

    RatescopeError
    ├── InputError          what was handed in cannot be used: no such path, wrong arguments
    │   ├── SettingsError   a settings file has an unknown key or a value out of range
    │   ├── CampaignError   the sheets of a campaign are incomplete or contradict each other
    │   └── CheckpointError weights that are missing, damaged, or of another network
    ├── OutputError         the output folder cannot be written
    ├── MicrographError     the image is not what a cross-section should be; carries a code
    │   └── CollectorError  the collector foil cannot be found
    ├── RateTestError       the electrochemical record is incomplete or inconsistent
    ├── LabError            the virtual laboratory was asked for something that it cannot make
    │   └── SolverGaveUpError  a simulated rate test could not be solved to its end
    ├── TrainingError       a network cannot be trained on what was given
    ├── LeakError           one unit of independence stands on two sides of a fold
    └── InstallationError   what ratescope brings along does not give the answers that it should

Each message has three parts: what is wrong, what was seen, what to do.
"""

from __future__ import annotations


class RatescopeError(Exception):
    """The root of everything that ratescope raises on purpose."""


class InputError(RatescopeError):
    """What was handed in cannot be used."""


class SettingsError(InputError):
    """A settings file has an unknown key or a value out of range."""


class CampaignError(InputError):
    """The sheets of a campaign are incomplete or contradict each other."""


class CheckpointError(InputError):
    """Weights that are missing, damaged, or of another network."""


class OutputError(RatescopeError):
    """The output folder or file cannot be written."""


class MicrographError(RatescopeError):
    """The image is not what a cross-section should be.

    Parameters
    ----------
    code : str
        A short machine-readable reason such as ``"no-pixel-size"``; it becomes the ``code`` of a refusal.
    text : str
        One sentence: what is wrong, what was seen, what to do.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def __reduce__(self) -> tuple[type[MicrographError], tuple[str, str]]:
        # Exceptions cross process borders when micrographs are prepared in parallel.
        return type(self), (self.code, self.text)


class CollectorError(MicrographError):
    """The collector foil cannot be found, or too little speaks for what was found."""


class RateTestError(RatescopeError):
    """The electrochemical record is incomplete or inconsistent."""


class LabError(RatescopeError):
    """The virtual laboratory was asked for something that it cannot make."""


class SolverGaveUpError(LabError):
    """A simulated rate test could not be solved to its end."""


class TrainingError(RatescopeError):
    """A network cannot be trained on what was given."""


class LeakError(RatescopeError):
    """One unit of independence stands on two sides of a fold."""


class InstallationError(RatescopeError):
    """What ratescope brings along does not give the answers that it should."""
