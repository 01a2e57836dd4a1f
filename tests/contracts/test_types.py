"""Types are checked in tests, also those of functions that others define, however often these are defined."""

import jax.numpy as jnp
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Array, Float
from typecheck import CHECKED, checked


def defined(kind):
    """A function inside of another, of one place and of a type that is given."""

    def inner(value: kind) -> None:
        pass

    return checked(inner)


def test_one_place_and_one_signature_are_taken_apart_once():
    first, before = defined(Float[Array, " n"]), len(CHECKED)
    assert defined(Float[Array, " n"]) is first
    assert len(CHECKED) == before


def test_every_type_of_one_place_is_checked():
    for kind, right, wrong in ((Float[Array, " n"], jnp.zeros(3), jnp.zeros(())), (int, 1, "one"), (str, "one", 1)):
        for _ in range(2):
            function = defined(kind)
            function(right)
            with pytest.raises(BeartypeCallHintViolation):
                function(wrong)


def test_functions_of_modules_are_checked_as_they_are():
    assert checked(len_of) is not checked(len_of)


def len_of(value: str) -> int:
    """No function inside of another."""
    return len(value)
