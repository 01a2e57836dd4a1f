"""What follows a batch instead of descending on its loss: running statistics, a moving codebook, a power iteration.

A loss returns the statistics of its batch beside its losses. They are means over examples, and are averaged over parts
of a batch and over devices as a gradient is. After the optimiser's update ``follow`` says what becomes of them.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from train.trainable import Params, Trainable

Statistics = PyTree[Array]
Follow = Callable[[Params, Statistics], Params]


def moving_average(collection: str, decay: float) -> Follow:
    """The ``collection`` of the parameters follows the statistics s of the batches:  r ← decay · r + (1 − decay) · s.

    ``decay`` 0.9 forgets in about ten steps; Flax calls it momentum, PyTorch's momentum is 1 − decay. Statistics of
    another tree, shape or type than the collection raise ``ValueError``. Ioffe & Szegedy 2015, section 3.1.
    """

    def follow(params: Params, statistics: Statistics) -> Params:
        if collection not in params:
            raise ValueError(f"no collection {collection!r} to follow the statistics: there are {sorted(params)}")
        check_same_form(statistics, params[collection], f"statistics of {collection!r}")
        moved = jax.tree.map(lambda r, s: decay * r + (1 - decay) * s, params[collection], statistics)
        return params | {collection: moved}

    return follow


def keeping(follow: Follow, frozen: Trainable) -> Follow:
    """``follow``, but what is ``frozen`` keeps its bits."""

    def followed(params: Params, statistics: Statistics) -> Params:
        moved = follow(params, statistics)
        return jax.tree.map(lambda still, old, new: old if still else new, frozen(params), params, moved)

    return followed


def check_statistics(statistics: Statistics) -> None:
    """``ValueError`` unless all are floats of at least 32 bits, in which a running mean does not get stuck."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(statistics):
        if not jnp.issubdtype(leaf.dtype, jnp.floating) or jnp.finfo(leaf.dtype).bits < 32:
            name = jax.tree_util.keystr(path[1:])
            raise ValueError(f"statistics{name} are {leaf.dtype}: take the mean over the batch in float32")


def check_same_form(found: PyTree, expected: PyTree, what: str) -> None:
    """``ValueError`` that names the first leaf of ``found`` which is missing, too many, or of another shape or type."""
    forms = [
        {jax.tree_util.keystr(path): f"{leaf.dtype}{list(leaf.shape)}" for path, leaf in leaves}
        for leaves in map(jax.tree_util.tree_leaves_with_path, (found, expected))
    ]
    for name in sorted(forms[0].keys() | forms[1].keys()):
        ours, theirs = (form.get(name, "nothing") for form in forms)
        if ours != theirs:
            raise ValueError(f"{what}{name}: expected {theirs}, got {ours}")
    if jax.tree.structure(found) != jax.tree.structure(expected):
        raise ValueError(f"{what}: expected {jax.tree.structure(expected)}, got {jax.tree.structure(found)}")
