"""Penalties that keep most units of a code at rest, or the code unmoved by small changes of the input.

The mean activations that the divergences take are over a batch: "at each batch, the actual probability is measured"
(Lecture 000, "Sparse autoencoder").
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_LEAST = 1e-6  # a unit that never fires would have an infinite divergence, and no way back


def l1_activity(code: Float[Array, " units"]) -> Float[Array, ""]:
    """The sum of absolute activations of one code.

        Σ_i |a_i|

    Olshausen & Field 1996. Lectures 000 and 002.
    """
    return jnp.sum(jnp.abs(code))


def kl_sparsity(mean_activations: Float[Array, " units"], *, target: float) -> Float[Array, ""]:
    """The divergence between coins of probability ρ and of each unit's mean activation ρ̂_j in (0, 1), in nats.

        Σ_j ρ log ρ/ρ̂_j + (1 − ρ) log (1 − ρ)/(1 − ρ̂_j),   ρ = target

    0 where every ρ̂_j is ρ; ρ̂_j is kept within 10⁻⁶ of the ends. Lee et al. 2008; Ng 2011, "Sparse autoencoder".
    Lectures 000 and 002.
    """
    clipped = jnp.clip(mean_activations, _LEAST, 1 - _LEAST)
    on = target * (jnp.log(target) - jnp.log(clipped))
    return jnp.sum(on + (1 - target) * (jnp.log1p(-target) - jnp.log1p(-clipped)))


def l1_sparsity(mean_activations: Float[Array, " units"], *, target: float) -> Float[Array, ""]:
    """How far the units' mean activations are from the target.

        Σ_j |ρ − ρ̂_j|,   ρ = target

    Lecture 002, "Sparse autoencoders".
    """
    return jnp.sum(jnp.abs(target - mean_activations))


def l2_sparsity(mean_activations: Float[Array, " units"], *, target: float) -> Float[Array, ""]:
    """How far the units' mean activations are from the target, squared.

        Σ_j (ρ − ρ̂_j)²,   ρ = target

    Lecture 002, "Sparse autoencoders".
    """
    return jnp.sum((target - mean_activations) ** 2)


SPARSITIES: dict[str, Callable] = {"kl": kl_sparsity, "l1": l1_sparsity, "l2": l2_sparsity}
"""Distances of mean activations from a target, by name."""


def contraction(encode: Callable[[Array], Array], image: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The squared Frobenius norm of the code's Jacobian in the image, by autodiff: for any encoder.

        ‖∂f(x)/∂x‖²_F = Σ_ij (∂f_i/∂x_j)²

    One backward pass a unit of the code. Rifai et al. 2011, equation 2. Lecture 002, "Contractive autoencoders".
    """
    return jnp.sum(jax.jacrev(encode)(image) ** 2)


def sigmoid_contraction(code: Float[Array, " units"], kernel: Float[Array, "inputs units"]) -> Float[Array, ""]:
    """The same for one layer  h = σ(W x + b)  in closed form, from its output and its weights alone.

        Σ_i (h_i (1 − h_i))² Σ_j W_ji²

    Rifai et al. 2011, equation 3. Lecture 002, "Contractive autoencoders".
    """
    return jnp.sum((code * (1 - code)) ** 2 * jnp.sum(kernel**2, axis=0))
