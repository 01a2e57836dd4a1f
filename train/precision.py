"""Mixed precision: networks compute in bfloat16, parameters and what is minimised stay in float32."""

from collections.abc import Callable, Mapping
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from train.trainable import collection_of_params

Precision = Literal["float32", "bfloat16"]


def compute_in(precision: Precision, apply: Callable) -> Callable:
    """``apply(params, *inputs)`` computed in ``precision``: floats are cast on the way in, and back on the way out.

    Gradients flow back through the casts, so those of the parameters are float32 sums of bfloat16 products. bfloat16
    has float32's range: no loss scaling is needed. On a CPU, XLA also adds bfloat16 in bfloat16, which makes gradients
    of biases coarse: there this is for trying out. (Micikevicius et al. 2018; Kalamkar et al. 2019.)

    Of several collections only ``"params"`` is cast. A running mean must not be: in eight bits it gets stuck where a
    step of it rounds to nothing. What ``mutable`` returns of these collections must be float32 (``ValueError``).
    """
    if precision == "float32":
        return apply

    def mixed(params: PyTree, *inputs: PyTree, mutable: object = False, **options: object) -> PyTree:
        chosen = jax.tree.map(_cast_where, collection_of_params(params), params)
        given = _cast(inputs, jnp.bfloat16)
        if mutable is False:
            return _cast(apply(chosen, *given, **options), jnp.float32)
        outputs, collections = apply(chosen, *given, mutable=mutable, **options)
        _check_float32({name: tree for name, tree in collections.items() if name in params})
        return _cast((outputs, collections), jnp.float32)

    return mixed


def _cast(tree: PyTree, dtype: type) -> PyTree:
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, tree)


def _cast_where(chosen: bool, leaf: Array) -> Array:
    return _cast(leaf, jnp.bfloat16) if chosen else leaf


def _check_float32(collections: Mapping[str, PyTree]) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(collections):
        if leaf.dtype == jnp.bfloat16:
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            raise ValueError(f"{name} came back in bfloat16: a module computes its statistics in float32")
