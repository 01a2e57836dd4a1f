"""What JSON that was read should hold, and what it holds instead, in JSON's own words."""

from types import NoneType
from typing import TypeVar

Kind = TypeVar("Kind")
IN_WORDS = {
    NoneType: "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list ([…])",
    dict: "a JSON object ({…})",
}


def held(value: object, kind: type[Kind], where: str) -> Kind:
    """``value``, which is of ``kind``; ``ValueError`` says what ``where`` should hold, and what it holds."""
    if not isinstance(value, kind):
        raise ValueError(f"{where} should hold {IN_WORDS[kind]}, and holds {IN_WORDS[type(value)]}")
    return value
