"""Penalties of large weights, to be added to a loss.

The same two terms by configuration, over all parameters and without touching the loss, are ``Optimization.l1`` and
``Optimization.weight_decay`` in ``train/optimizers.py``; ``Optimization.max_norm`` is the constraint.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

Predicate = Callable[[Array], bool]


def is_kernel(parameter: Array) -> bool:
    """Whether it has an axis of inputs and one of units; biases and scales have one axis and are not penalised."""
    return parameter.ndim >= 2


def l1_penalty(params: PyTree[Float[Array, "..."]], *, penalized: Predicate = is_kernel) -> Float[Array, ""]:
    """The sum of absolute weights, which draws irrelevant ones to exactly 0.

        Σ_w |w| = Σ_w w sign(w)

    Over the leaves of ``params`` for which ``penalized`` holds; ``ValueError`` where there is none. The second form is
    computed: its derivative sign(w) leaves a weight of 0 where it is, while that of ``jnp.abs`` is 1 there. Tibshirani
    1996. Lectures 000 and 001.
    """
    return sum(jnp.sum(kernel * jnp.sign(kernel)) for kernel in _chosen(params, penalized))


def l2_penalty(params: PyTree[Float[Array, "..."]], *, penalized: Predicate = is_kernel) -> Float[Array, ""]:
    """Half the sum of squared weights, which shrinks all of them in proportion.

        ½ Σ_w w²,   with the gradient w

    Over the leaves of ``params`` for which ``penalized`` holds; ``ValueError`` where there is none. Hoerl & Kennard
    1970; Krogh & Hertz 1991. Lectures 000 and 001.
    """
    return 0.5 * sum(jnp.sum(kernel**2) for kernel in _chosen(params, penalized))


def _chosen(params: PyTree[Float[Array, "..."]], penalized: Predicate) -> list[Array]:
    leaves = jax.tree.leaves(params)
    chosen = [leaf for leaf in leaves if penalized(leaf)]
    if not chosen:
        raise ValueError(f"nothing to penalise among parameters of shapes {[leaf.shape for leaf in leaves]}")
    return chosen
