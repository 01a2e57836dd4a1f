"""What is hidden of a text that a network is to fill in."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Key

HIDDEN, REPLACED = 0.8, 0.1
"""Of the places that are asked for, the share that shows the mask, and the share that shows a random symbol."""


class Masked(NamedTuple):
    """A text with places that are asked for."""

    text: Int[Array, " places"]
    """what the network sees"""
    asked: Bool[Array, " places"]
    """the places whose symbols it is to say"""


def mask_symbols(
    key: Key[Array, ""], text: Int[Array, " places"], *, share: float, mask: int, first: int, symbols: int
) -> Masked:
    """Each place is asked for with probability ``share``; what is seen there is the mask in 80 % of cases, in 10 % a
    random one of the ``symbols`` from number ``first`` on, and in 10 % what stands there.

    So a network cannot tell what it is not asked for, and has to have an opinion on every place. Devlin et al. 2019,
    section 3.1, task 1, with exactly 15 % of the places.
    """
    asking, hiding, drawing = jax.random.split(key, 3)
    asked = jax.random.bernoulli(asking, share, text.shape)
    which = jax.random.uniform(hiding, text.shape)
    drawn = jax.random.randint(drawing, text.shape, first, first + symbols, text.dtype)
    shown = jnp.where(which < HIDDEN, mask, jnp.where(which < HIDDEN + REPLACED, drawn, text))
    return Masked(jnp.where(asked, shown, text), asked)
