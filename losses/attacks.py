"""Attacks: images that are changed a little so that a loss rises much.

A loss is a function of one image. An attack that is *targeted* raises minus the loss of the class that the image is to
be taken for. ``clip`` is the range in which values stay; ±∞ does not clip.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.perturbation import STEEPEST, WITHIN, Norm

Loss = Callable[[Float[Array, "*shape"]], Float[Array, ""]]


def fast_gradient(
    loss: Loss,
    image: Float[Array, "*shape"],
    *,
    radius: float | Float[Array, ""],
    norm: Norm = "linf",
    clip: tuple[float, float],
) -> Float[Array, "*shape"]:
    """One step along the steepest direction, as far as is allowed: with ``linf`` the fast gradient sign method.

        x' = clip(x + ε sign(∇L(x)))     linf
        x' = clip(x + ε ∇L(x) / ‖∇L(x)‖₂)     l2

    Of a linear loss it is the maximum over all x' with ‖x' − x‖ ≤ ε, where nothing is clipped; with ``linf`` also of
    those within the range. Goodfellow et al. 2015, section 3; Miyato et al. 2017 for l2.
    """
    return jnp.clip(image + radius * STEEPEST[norm](jax.grad(loss)(image)), *clip)


def projected_gradient(
    loss: Loss,
    image: Float[Array, "*shape"],
    start: Float[Array, "*shape"],
    *,
    radius: float | Float[Array, ""],
    step_size: float | Float[Array, ""],
    steps: int,
    norm: Norm = "linf",
    clip: tuple[float, float],
) -> Float[Array, "*shape"]:
    """Steps along the steepest direction, after each of which the point of the ball around the image is taken that is
    nearest.

        x₀ = start,   x_{t+1} = clip(Π_ε(x_t + α d(∇L(x_t))))

    Π_ε projects to ‖x − image‖ ≤ ε; d is the sign or the normalised gradient. From the image itself it is the iterated
    fast gradient method (Kurakin et al. 2017, section 2.1), from a random point of the ball projected gradient descent
    (Madry et al. 2018, section 2.1). An image in the range stays within both: clipping moves no value away from it.
    """

    def step(value: Array, _: None) -> tuple[Array, None]:
        moved = value + step_size * STEEPEST[norm](jax.grad(loss)(value))
        return jnp.clip(WITHIN[norm](moved, image, radius=radius), *clip), None

    first = jnp.clip(WITHIN[norm](start, image, radius=radius), *clip)
    return jax.lax.scan(step, first, length=steps)[0]
