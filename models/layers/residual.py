"""Residual connections: the input of a layer beside its output.

Lecture 003, section 3.5.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float


def residual_sum(inputs: Float[Array, "*shape"], outputs: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """What a layer learns is the difference from its input.

        y = x + F(x)

    The gradient ∂y/∂x = 1 + ∂F/∂x passes even where that of F vanishes, and F = 0 is the identity. ``ValueError`` where
    the shapes differ: nothing is broadcast. He et al. 2016, "Deep residual learning", equation 1.
    """
    if inputs.shape != outputs.shape:
        raise ValueError(f"the sum of an input {inputs.shape} and an output {outputs.shape} needs equal shapes")
    return inputs + outputs


def residual_concatenation(
    inputs: Float[Array, "*space channels"], outputs: Float[Array, "*space growth"]
) -> Float[Array, "*space channels_and_growth"]:
    """The layers after see the input as it is, beside what the layer has made of it.

        y = [x, F(x)]

    Channels grow by those of F at every layer. Shapes that differ elsewhere raise ``ValueError``. Huang et al. 2017
    (DenseNet), equation 2; Lecture 003, section 3.5: "the sum operation can be substituted with the concatenation".
    """
    if inputs.shape[:-1] != outputs.shape[:-1]:
        raise ValueError(f"{inputs.shape} and {outputs.shape} can be concatenated only if channels alone differ")
    return jnp.concatenate([inputs, outputs], axis=-1)


def identity_shortcut(
    images: Float[Array, "batch *space channels"], *, features: int, stride: int | Sequence[int] = 1
) -> Float[Array, "batch *positions features"]:
    """An input that fits an output of more features and lower resolution, without parameters.

        y[n, i, c] = x[n, stride·i, c],   0 for the further features

    There are ⌈size/stride⌉ positions. Fewer features than channels raise ``ValueError``. He et al. 2016, section 3.3,
    option A.
    """
    if features < images.shape[-1]:
        raise ValueError(f"the identity of {images.shape} needs at least {images.shape[-1]} features, got {features}")
    rank = images.ndim - 2
    strides = (stride,) * rank if isinstance(stride, int) else stride
    seen = images[:, *(slice(None, None, s) for s in strides)]
    return jnp.pad(seen, [(0, 0)] * (rank + 1) + [(0, features - images.shape[-1])])
