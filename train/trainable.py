"""Which parameters descend: the optimiser sees these alone, whatever it is, and the others keep their bits.

Parameters are Flax's dict of collections, or any tree of arrays. What is not trainable is an ``optax.MaskedNode`` in
the tree that is differentiated and updated: it has no gradient, no moments, no share in a norm and no weight decay.
"""

from collections.abc import Callable, Mapping

import jax
import optax
from jaxtyping import Array, PyTree

Params = PyTree[Array]
Trainable = Callable[[Params], PyTree[bool]]


def collection_of_params(params: Params) -> PyTree[bool]:
    """A network's collection ``"params"`` is trainable; those beside it (running statistics, counts) are not.

    Holds for every network in a tree of several. A tree without collections is trainable as a whole.
    """

    def has_collections(tree: PyTree) -> bool:
        return isinstance(tree, Mapping) and "params" in tree

    def mask(tree: PyTree) -> PyTree[bool]:
        if not has_collections(tree):
            return True
        return {name: jax.tree.map(lambda _: name == "params", leaves) for name, leaves in tree.items()}

    return jax.tree.map(mask, params, is_leaf=has_collections)


def without(trainable: Trainable, frozen: Trainable) -> Trainable:
    """What is ``trainable`` and not ``frozen``, which answers for each parameter by itself."""

    def mask(params: Params) -> PyTree[bool]:
        chosen = jax.tree.broadcast(trainable(params), params)
        return jax.tree.map(lambda descends, still: descends and not still, chosen, frozen(params))

    return mask


def trainable_mask(params: Params, trainable: Trainable) -> PyTree[bool]:
    """What ``trainable`` says of each parameter; it may answer for a whole subtree by one bool.

    ``ValueError`` where the answer fits another tree, is not made of bools, or leaves nothing to train.
    """
    answer = trainable(params)
    try:
        mask = jax.tree.broadcast(answer, params)
    except ValueError as error:
        shapes = f"{jax.tree.structure(answer)} for {jax.tree.structure(params)}"
        raise ValueError(f"trainable must return a bool for each parameter or subtree, got {shapes}") from error
    if odd := [leaf for leaf in jax.tree.leaves(mask) if not isinstance(leaf, bool)]:
        raise ValueError(f"trainable must return bools, got {odd[0]!r}")
    if not any(jax.tree.leaves(mask)):
        raise ValueError("trainable chooses no parameter: nothing would be trained")
    return mask


def trainable_part(params: Params, trainable: Trainable) -> Params:
    """The parameters that descend, with a hole in place of every other."""
    mask = trainable_mask(params, trainable)
    return jax.tree.map(lambda chosen, leaf: leaf if chosen else optax.MaskedNode(), mask, params)


def with_trainable_part(params: Params, part: Params) -> Params:
    """``params`` with what stands in ``part``; the inverse of ``trainable_part``."""

    def is_hole(tree: PyTree) -> bool:
        return isinstance(tree, optax.MaskedNode)

    return jax.tree.map(lambda new, old: old if is_hole(new) else new, part, params, is_leaf=is_hole)


def count_parameters(params: Params, trainable: Trainable = collection_of_params) -> int:
    """How many numbers descend; running statistics and frozen parameters are not among them."""
    return sum(leaf.size for leaf in jax.tree.leaves(trainable_part(params, trainable)))
