"""Command-line flags → settings, by tyro; whatever is wrong with them is one line."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import TypeVar

from experiments.errors import WrongInput
from experiments.registry import nearest

SettingsType = TypeVar("SettingsType")


def parse_flags(
    default: SettingsType, flags: Sequence[str], *, prog: str, description: str | None = None
) -> SettingsType:
    """``default`` with the fields that ``flags`` name replaced. ``WrongInput`` for an unknown flag or a bad value.

    ``--help`` prints all fields and exits.
    """
    import tyro

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(type(default), default=default, args=list(flags), prog=prog, description=description)
    except SystemExit as exit:
        if exit.code:
            raise WrongInput(_one_line(complaint.getvalue(), default, prog)) from None
        raise


def replace(settings: SettingsType, **fields: object) -> SettingsType:
    """``settings`` with other ``fields``; ``WrongInput`` where they do not hold together."""
    try:
        return dataclasses.replace(settings, **fields)
    except ValueError as error:
        raise WrongInput(str(error)) from error


def _one_line(box: str, default: object, prog: str) -> str:
    """What tyro drew in a box, without the box: its first part, the nearest flag if one is unknown, and where help
    is.
    """
    lines = [re.sub(r"[│╭╮╰╯]", "", line).strip() for line in box.splitlines()]
    below_title = dropwhile(_is_rule, lines[1:])
    message = " ".join(takewhile(lambda line: not _is_rule(line), below_title))
    message = message.replace(f"Error parsing {type(default).__name__}: ", "")
    if unknown := re.match(r"Unrecognized options: (--[\w.-]+)", message):
        flags = ["--" + field.name.replace("_", "-") for field in dataclasses.fields(default)]
        message = f"unknown flag {unknown[1]}; {nearest(unknown[1], flags)}"
    return f"{message}; see `{prog} --help`"


def _is_rule(line: str) -> bool:
    return re.fullmatch(r"[─-]{3,}", line) is not None
