"""Spectral normalisation around any network: its kernels are divided by their largest singular values."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jax
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Key

from models.layers.spectral import spectral_norm, top_right_vector

COLLECTION = "spectral"
"""The collection of right singular vectors, one for each kernel: not descended on, they follow the power iteration."""

Variables = Mapping[str, Any]


@dataclass(frozen=True)
class SpectrallyNormalized:
    """A network with W / σ(W) in the place of every kernel W: what has two or more axes.

    Vectors begin as those of the singular value decomposition, so σ is right from step 0 on, and are iterated once each
    time that the network is applied. Where ``mutable`` names the collection ``spectral``, what they have become is
    among the state that comes back. Miyato et al. 2018.
    """

    network: nn.Module
    """the network, with its own parameters"""
    slope: float = 1.0
    """what the output is multiplied by: the bound of its slope, where activations have slopes of at most 1"""

    def init(self, key: Key[Array, ""], *inputs: Any, **options: Any) -> dict[str, Any]:
        """The network's variables, and the vectors."""
        variables = self.network.init(key, *inputs, **options)
        return {**variables, COLLECTION: jax.tree.map(top_right_vector, _kernels(variables))}

    def apply(self, variables: Variables, *inputs: Any, mutable: Collection[str] | None = None, **options: Any) -> Any:
        """The network's output, and what it gives in ``mutable`` collections where some are named."""
        norms = jax.tree.map(spectral_norm, _kernels(variables), variables[COLLECTION])
        found = flatten_dict(norms)
        params = flatten_dict(variables["params"])
        divided = {path: leaf / found[path].value if path in found else leaf for path, leaf in params.items()}
        own = {name: tree for name, tree in variables.items() if name != COLLECTION}
        own["params"] = unflatten_dict(divided)
        if mutable is None:
            return self.slope * self.network.apply(own, *inputs, **options)
        kept = [name for name in mutable if name != COLLECTION]
        output, state = self.network.apply(own, *inputs, mutable=kept, **options)
        vectors = unflatten_dict({path: norm.right for path, norm in found.items()})
        return self.slope * output, {**state, COLLECTION: vectors} if COLLECTION in mutable else state


def _kernels(variables: Variables) -> dict[str, Any]:
    leaves = flatten_dict(variables["params"])
    return unflatten_dict({path: leaf for path, leaf in leaves.items() if leaf.ndim > 1})
