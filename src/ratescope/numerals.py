"""A number as typed, or as a spreadsheet mangled it: read where it is certain, else refused with a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable

NO_BREAKS = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2009"), " ") | {
    0: None,
    0x200B: None,
    0xFEFF: None,
    0x2212: "-",
}
"""Spaces that look like spaces, marks that look like nothing, and the minus sign of typesetters."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d+,\d+|,\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([., '’]\d{3})+([.,]\d+)?", re.ASCII)
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_DATE = re.compile(
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\.?"  # 1.2.2024, 2024-02-01
    r"|\d{1,2}[-. /]{1,2}[a-zäéû]{3,9}\.?([-. /]?\d{2,4})?|[a-zäéû]{3,9}[-. /]\d{2,4}",  # 1-Feb, 2. Jan 24, Feb 24
    re.IGNORECASE,
)


def clean(text: str) -> str:
    r"""Text without the spaces and marks that nobody sees.

    >>> clean("\u00a012.5 ")
    '12.5'
    """
    return text.translate(NO_BREAKS).strip()


def uses_decimal_comma(texts: Iterable[str], *, by_default: bool) -> bool:
    """Whether a sheet's numbers have a decimal comma: some number has one that can be nothing else.

    >>> uses_decimal_comma(["15,4", "1,234"], by_default=False), uses_decimal_comma(["1,234"], by_default=False)
    (True, False)
    """
    seen = [text for text in texts if not _ONE_GROUP.fullmatch(text)]
    if any(_COMMA.fullmatch(text) for text in seen):
        return True
    return by_default and not any("." in text and _PLAIN.fullmatch(text) for text in seen)


def number_of(text: str, *, decimal_comma: bool) -> float:
    """The number that a text says.

    Raises
    ------
    ValueError
        With what is wrong and what to do, where it is not certain which number is meant.

    Examples
    --------
    >>> number_of("0,30", decimal_comma=False), number_of("56.6", decimal_comma=True)
    (0.3, 56.6)
    >>> number_of("1,234", decimal_comma=False)
    Traceback (most recent call last):
    ValueError: '1,234' may have a separator of thousands or a decimal comma. Write it like 1234.5.
    """
    mark = "," if decimal_comma else "."
    is_certain = _PLAIN.fullmatch(text) or _COMMA.fullmatch(text)
    if is_certain and not (_ONE_GROUP.fullmatch(text) and mark not in text):
        return float(text.replace(",", "."))
    raise ValueError(_why(text))


def _why(text: str) -> str:
    if _THOUSANDS.fullmatch(text):
        return f"{text!r} may have a separator of thousands or a decimal comma. Write it like 1234.5."
    if _DATE.fullmatch(text):
        return f"{text!r} looks like a date: a spreadsheet may have made it of a number. Type the number as text."
    if text.startswith("#") or text.endswith("!"):
        return f"{text!r} is a spreadsheet's error. Mend its formula, or leave the field empty."
    if text.endswith("%"):
        return f"{text!r} is in percent. Write a fraction, like 0.30."
    if text.casefold() in {"-", "–", "?", "na", "n/a", "nan", "none", "null", "unknown"}:
        return f"{text!r} is not a number. Leave the field empty where it is not known."
    return f"{text!r} is not a number. Write it like 12.3, without its unit."
