"""What a network makes of images on its way: the features that its modules show, by name."""

from collections.abc import Iterator, Mapping
from typing import Any

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
    leaves ``jax.jit`` is in alphabetical order. Zeiler & Fergus 2014.
    """
    _, state = model.apply(variables, images, mutable=[SHOWN])
    return {"/".join(path): features for path, features in _leaves(state.get(SHOWN, {}), ())}


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Array]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield path if name == _OUTPUT else (*path, name), value
