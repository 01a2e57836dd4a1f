"""Regularisation that every experiment can switch on: Optax transformations for ``make_optimizer``'s chain.

Parameters with two or more axes are kernels: the last axis counts units, the others what each of them takes in.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree


def max_norm_projection(kernel: Float[Array, "*inputs units"], *, bound: float) -> Float[Array, "*inputs units"]:
    """The nearest kernel in which no unit's incoming weights w have a norm above ``bound`` c.

        w ← w · min(1, c / ‖w‖),   ‖w‖ over all axes but the last

    So for [inputs, units] of a dense layer, and for [height, width, channels, units] of a convolution. Units within the
    bound keep their bits. A bound that is not positive raises ``ValueError``. Srebro & Shraibman 2005; Srivastava et
    al. 2014, section 5.1. Lectures 000 and 001.
    """
    if bound <= 0:
        raise ValueError(f"the bound of the norm must be positive, got {bound}")
    norms = jnp.sqrt(jnp.sum(kernel**2, axis=tuple(range(kernel.ndim - 1)), keepdims=True))
    return kernel * (bound / jnp.maximum(norms, bound))


def kernels(params: PyTree[Array]) -> PyTree[bool]:
    """The mask of an Optax transformation that leaves biases and the gains of normalisations alone."""
    return jax.tree.map(lambda parameter: parameter.ndim > 1, params)


def add_l1_subgradient(weight: float) -> optax.GradientTransformation:
    """Adds the subgradient of  λ Σ_w |w|  over all parameters, λ being ``weight``:  g ← g + λ sign(w).

    Tibshirani 1996. Lectures 000 and 001.
    """
    return optax.stateless_with_tree_map(lambda gradient, parameter: gradient + weight * jnp.sign(parameter))


def project_units(bound: float) -> optax.GradientTransformation:
    """Ends each step in the ``max_norm_projection`` of every kernel; the last part of a chain, where updates are final.

        u ← P(w + u) − w

    Kernels are the parameters of two or more axes. A unit that is within the bound moves as it would without.
    """

    def project(update: Array, parameter: Array) -> Array:
        if parameter.ndim < 2:
            return update
        moved = parameter + update
        projected = max_norm_projection(moved, bound=bound)
        return jnp.where(projected == moved, update, projected - parameter)

    return optax.stateless_with_tree_map(project)


def projected(project: Callable[[PyTree[Array]], PyTree[Array]]) -> optax.GradientTransformation:
    """Ends each step where ``project`` takes the parameters; the last part of a chain, where updates are final.

        u ← P(w + u) − w

    With P the nearest point of a convex set it makes descent projected gradient descent (Goldstein 1964; Levitin &
    Polyak 1966).
    """

    def update(updates: PyTree[Array], params: PyTree[Array]) -> PyTree[Array]:
        ends = project(optax.apply_updates(params, updates))
        return jax.tree.map(jnp.subtract, ends, params)

    return optax.stateless(update)
