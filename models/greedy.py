"""The likeliest next symbol, again and again."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree


def decode_greedily(
    step: Callable[[PyTree, Int[Array, "*batch"]], tuple[PyTree, Float[Array, "*batch symbols"]]],
    state: PyTree,
    start: Int[Array, "*batch"],
    *,
    places: int,
) -> Int[Array, "*batch places"]:
    """The symbols that a decoder writes, each the likeliest after those before it.

        ŝ_t = argmax logits_t,   (state_t, logits_t) = step(state_{t−1}, ŝ_{t−1}),   ŝ_0 = start

    Of equally likely symbols it is the first. Sutskever et al. 2014, section 3.2, with a beam of one. Lecture 000,
    "Decoder".
    """

    def write(carried, _):
        state, before = carried
        state, logits = step(state, before)
        drawn = jnp.argmax(logits, axis=-1).astype(before.dtype)
        return (state, drawn), drawn

    return jnp.moveaxis(jax.lax.scan(write, (state, start), length=places)[1], 0, -1)
