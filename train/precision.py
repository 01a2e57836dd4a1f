"""Mixed precision: networks compute in bfloat16, parameters and what is minimised stay in float32."""

from collections.abc import Callable, Mapping
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

Precision = Literal["float32", "bfloat16"]


def compute_in(precision: Precision, apply: Callable) -> Callable:
    """``apply(params, *inputs)`` computed in ``precision``: floats are cast on the way in, and back on the way out;
    collections beside a network's "params", such as running statistics, stay as they are.

    Gradients flow back through the casts, so those of the parameters are float32 sums of bfloat16 products. bfloat16
    has float32's range: no loss scaling is needed. On a CPU, XLA also adds bfloat16 in bfloat16, which makes gradients
    of biases coarse: there this is for trying out. (Micikevicius et al. 2018; Kalamkar et al. 2019.)
    """
    if precision == "float32":
        return apply

    def cast(tree: PyTree, dtype: type) -> PyTree:
        return jax.tree.map(lambda leaf: leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, tree)

    def cast_params(params: PyTree) -> PyTree:
        if not (isinstance(params, Mapping) and "params" in params):
            return cast(params, jnp.bfloat16)
        return {name: cast(tree, jnp.bfloat16) if name == "params" else tree for name, tree in params.items()}

    def mixed(params: PyTree, *inputs: PyTree, **options: object) -> PyTree:
        return cast(apply(cast_params(params), *cast(inputs, jnp.bfloat16), **options), jnp.float32)

    return mixed
