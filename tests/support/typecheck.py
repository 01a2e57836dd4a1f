"""What checks types in tests: beartype, which takes a function that others define at each call apart once.

jaxtyping hands over stand-ins, which have the signature of a function and do nothing: those of one place whose
signatures read alike are alike. (The signatures themselves are not equal: each definition makes its types anew.)
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from beartype import beartype
from jaxtyping import config

CHECKED: dict[tuple[str, str, str], Callable] = {}
"""Stand-ins of functions that others define, with their types checked, by where they are defined and by signature."""


def checked(stand_in: Callable) -> Callable:
    """The stand-in with the types of its arguments checked."""
    if "<locals>" not in stand_in.__qualname__:
        return beartype(stand_in)
    place = stand_in.__module__, stand_in.__qualname__, str(inspect.signature(stand_in))
    if place not in CHECKED:
        CHECKED[place] = beartype(stand_in)
    return CHECKED[place]


@contextmanager
def unchecked() -> Iterator[None]:
    """Where what has just been run is run once more, its types are not looked at again."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)
