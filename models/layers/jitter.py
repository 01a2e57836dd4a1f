"""Images moved by a few pixels at random, so that what is made of them depends on no grid."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key


def random_shift(key: Key[Array, ""], *, most: int) -> Int[Array, "2"]:
    """Rows and columns, each from −``most`` to ``most``, all equally likely. ``ValueError`` where ``most`` is negative.

    Mordvintsev et al. 2015, whose code draws so in every step.
    """
    if most < 0:
        raise ValueError(f"images are moved by 0 pixels or more, not by {most}")
    return jax.random.randint(key, (2,), -most, most + 1)


def rolled(
    images: Float[Array, "*batch height width channels"], shift: Int[Array, "2"]
) -> Float[Array, "*batch height width channels"]:
    """The images moved down and to the right; what leaves at one side comes in at the other.

        y[i, j] = x[(i − s₀) mod H, (j − s₁) mod W]

    The inverse is the roll by −s, and so is the transpose: a gradient that is taken of rolled images is rolled back.
    Mordvintsev et al. 2015.
    """
    return jnp.roll(images, (shift[0], shift[1]), axis=(-3, -2))
