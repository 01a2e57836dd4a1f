"""What a network makes of images on its way: the features that its modules show, by name, and the pixels they see."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

SHOWN = "intermediates"
"""The collection of what is shown; empty unless it is asked for."""
_OUTPUT = "output"


def show(module: nn.Module, features: Array, name: str = _OUTPUT) -> Array:
    """``features``, which ``feature_maps`` finds under ``name``; for use inside of a module, otherwise the identity.

    Without a name it is the module's output, and found under the module's own name.
    """
    module.sow(SHOWN, name, features, init_fn=lambda: None, reduce_fn=lambda _, last: last)
    return features


def feature_maps(
    model: nn.Module, variables: Mapping[str, Any], images: Float[Array, "batch height width channels"]
) -> dict[str, Array]:
    """All that the network and its modules show of a batch, by name and in their order: conv1, relu1, pool1, …

    What a module inside of another shows has the other's name before it, ``inception3a/branch1``. A dictionary that
    leaves ``jax.jit`` is in alphabetical order: ``feature_shapes`` has the net's. Zeiler & Fergus 2014.
    """
    _, state = model.apply(variables, images, mutable=[SHOWN])
    return {"/".join(path): features for path, features in _leaves(state.get(SHOWN, {}), ())}


def feature_shapes(model: nn.Module, variables: Mapping[str, Any], image_shape: tuple[int, ...]) -> dict[str, tuple]:
    """The shape of everything that is shown of one image, in order, without computing it."""
    shapes: dict[str, tuple] = {}

    def look(variables: Mapping[str, Any], images: Array) -> None:
        shapes.update({name: features.shape[1:] for name, features in feature_maps(model, variables, images).items()})

    jax.eval_shape(look, variables, jax.ShapeDtypeStruct((1, *image_shape), jnp.float32))
    return shapes


def as_volume(features: Float[Array, " batch *shape"]) -> Float[Array, "batch rows columns channels"]:
    """Features with height and width as they are, and a dense layer's units as the channels of one place.

    Long et al. 2015, section 3.1.
    """
    return features if features.ndim == 4 else features[:, None, None]


def influence(
    model: nn.Module, variables: Mapping[str, Any], images: Float[Array, "batch height width channels"], *, name: str
) -> Float[Array, "height width"]:
    """How much each pixel changes the middle unit of what is shown under ``name``: the field that it receives from.

        Σ_n Σ_c |∂ Σ_k f[n, ⌊H/2⌋, ⌊W/2⌋, k] / ∂ x[n, i, j, c]|,   f [H, W, channels] of image n

    0 outside of the receptive field, whatever the weights. ``ValueError`` where that has no height and width. Luo et
    al. 2016, section 2.
    """

    def middle(images: Array) -> Array:
        features = feature_maps(model, variables, images)[name]
        if features.ndim != 4:
            raise ValueError(f"{name} has no height and width: {features.shape}")
        _, height, width, _ = features.shape
        return features[:, height // 2, width // 2].sum()

    return jnp.abs(jax.grad(middle)(images)).sum(axis=(0, -1))


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Array]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield path if name == _OUTPUT else (*path, name), value
