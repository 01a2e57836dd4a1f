"""What checks types in tests: beartype, which takes a function that others define at each call apart once.

jaxtyping hands over stand-ins, which have the signature of a function and do nothing: those of one signature are alike.
"""

import inspect
from collections.abc import Callable

from beartype import beartype

CHECKED: dict[tuple, Callable] = {}
"""Stand-ins of functions that others define, with their types checked, by where they are defined and by signature."""


def checked(stand_in: Callable) -> Callable:
    """The stand-in with the types of its arguments checked."""
    if "<locals>" not in stand_in.__qualname__:
        return beartype(stand_in)
    place = stand_in.__module__, stand_in.__qualname__, inspect.signature(stand_in)
    try:
        if place not in CHECKED:
            CHECKED[place] = beartype(stand_in)
    except TypeError:  # a default value that cannot be hashed
        return beartype(stand_in)
    return CHECKED[place]
