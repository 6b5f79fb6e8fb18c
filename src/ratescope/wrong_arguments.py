"""Wrong arguments in one sentence, like every other error: what is wrong, what was seen, what to do.

Typer says it in the words of its own validators ("Input should be a valid integer, unable to parse string as …").
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import typer

_NUMBERS = {"int_parsing": "a whole number", "float_parsing": "a number"}


def wrong_arguments_in_words(error: typer.TyperException) -> str:
    """What typer found wrong, in one sentence."""
    found: Any = error  # which of these a kind of error has is typer's own affair
    context, option = getattr(found, "ctx", None), getattr(found, "param", None)
    command = _command(context)
    validation = getattr(error.__cause__, "errors", None)
    if option is not None and validation:
        return _wrong_value(option, validation()[0])
    if option is not None and not found.message:
        named = option.metavar if option.param_type_name == "argument" else f"{option.opts[0]} {option.metavar or ''}"
        return f"{named.strip()} is missing. Add it; `{command} --help` says what it means."
    if context is not None and (name := getattr(found, "option_name", "")):
        return _unknown_option(name, context.command, command)
    if more := re.fullmatch(r"Got unexpected extra argument\(s\) \((.*)\)", found.message):
        return (
            f"`{command}` takes no more arguments, but got {more[1]} as well. `{command} --help` lists what it takes."
        )
    said = error.format_message().replace("?.", "?")
    return f"{said} `{command} --help` lists what there is."


def _command(context: Any) -> str:
    """As it is typed: ``ratescope campaign new``."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return " ".join(["ratescope", *names])


def _wrong_value(option: Any, found: dict[str, Any]) -> str:
    if found["type"] == "greater_than_equal":
        return must_be(option, f"at least {found['ctx']['ge']:g}", str(found["input"]))
    seen = f"{found['input']!r}"
    if found["type"] in _NUMBERS:
        return must_be(option, _NUMBERS[found["type"]], seen)
    known = re.fullmatch(r"Value error, .* is not one of (?P<all>.*)\.", found["msg"])
    wanted = f"one of {known['all'].replace(chr(39), '')}" if known else found["msg"]
    return must_be(option, wanted, seen)


def must_be(option: Any, wanted: str, seen: str) -> str:
    """What the value of an option must be, what it is, and what to do."""
    name = option.opts[0]
    remedy = "Give it so" if option.required else f"Give it so, or leave {name} out"
    return f"{name} must be {wanted}, but it is {seen}. {remedy}."


def _unknown_option(name: str, known: Any, command: str) -> str:
    options = [option.strip("-") for each in known.params for option in each.opts if option.startswith("--")]
    near = get_close_matches(name.strip("-"), options, n=1)
    hint = f"; did you mean --{near[0]}?" if near else "."
    return f"there is no option {name}{hint} `{command} --help` lists what there is."
