"""Command-line flags → settings, by tyro; whatever is wrong with them is one line."""

import contextlib
import io
import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import TypeVar

from experiments.errors import WrongInput
from experiments.run.registry import nearest
from experiments.run.settings import Options, configure, flatten

SettingsType = TypeVar("SettingsType", bound=Options)


def parse_flags(
    default: SettingsType, flags: Sequence[str], *, prog: str, description: str | None = None
) -> SettingsType:
    """``default`` with the fields that ``flags`` name replaced. ``WrongInput`` for an unknown flag, a bad value, or a
    flag without an effect beside the others.

    ``--help`` prints all fields, group by group, and exits.
    """
    if not flags:
        return default  # a parser of all fields takes a tenth of a second to make
    import tyro

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            settings = tyro.cli(type(default), default=default, args=list(flags), prog=prog, description=description)
    except SystemExit as exit:
        if exit.code:
            raise WrongInput(_one_line(complaint.getvalue(), default, prog)) from None
        raise
    _refuse_idle(default, settings)
    return settings


def replace(settings: SettingsType, **fields: object) -> SettingsType:
    """``settings`` with other ``fields``; ``WrongInput`` where they do not hold together."""
    try:
        return configure(settings, fields)
    except ValueError as error:
        raise WrongInput(str(error)) from error


def flag(name: str) -> str:
    """The flag of a field, as it is typed."""
    return "--" + name.replace("_", "-")


def _refuse_idle(default: Options, settings: Options) -> None:
    before, idle = flatten(default), settings.idle()
    for name, value in flatten(settings).items():
        if name in idle and value != before[name]:
            raise WrongInput(f"{flag(name)} has no effect {idle[name]}: leave it out")


def _one_line(box: str, default: Options, prog: str) -> str:
    """What tyro drew in a box, without the box: its first part, the nearest flag if one is unknown, and where help
    is.
    """
    lines = [re.sub(r"[│╭╮╰╯]", "", line).strip() for line in box.splitlines()]
    below_title = dropwhile(_is_rule, lines[1:])
    message = " ".join(takewhile(lambda line: not _is_rule(line), below_title))
    message = re.sub(r"Error parsing (\w+): ", "", message)
    if unread := re.match(r"Error parsing (--[\w.-]+): Could not find valid parse for arguments: (.*)", message):
        message = _unread_values(unread[1], re.findall(r"'([^']*)'", unread[2]))
    if unknown := re.match(r"Unrecognized options: (--[\w.-]+)", message):
        message = f"unknown flag {unknown[1]}; {nearest(unknown[1], [flag(name) for name in flatten(default)])}"
    return f"{message}; see `{prog} --help`"


def _unread_values(name: str, words: Sequence[str]) -> str:
    """What is wrong with the ``words`` given to a flag of several numbers, and what to write in their place."""
    apart = " ".join(words).replace(",", " ").split()
    if any("," in word for word in words):
        return f"{name} takes its values with spaces between them: write `{name} {' '.join(apart)}`"
    return f"{name} cannot be {' '.join(apart)}: it takes numbers with spaces between them"


def _is_rule(line: str) -> bool:
    return re.fullmatch(r"[─-]{3,}", line) is not None
