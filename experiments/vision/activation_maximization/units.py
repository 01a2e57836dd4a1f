"""Which units of a net are looked at, and how much each of them is active."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.errors import WrongInput
from experiments.numerals import counted
from losses.activation import filter_activation, unit_activation
from models.feature_maps import as_volume

Maps = Mapping[str, Array]
"""Features of a batch by the layer's name."""
TARGETS: dict[str, Callable[[Array, Array], Array]] = {"unit": unit_activation, "filter": filter_activation}
WITHOUT_WEIGHTS = ("relu", "tanh", "scaled_tanh", "sigmoid", "bn", "lrn", "dropout", "pool", "maxpool", "avgpool")
MOST_LAYERS = 16


class Units(NamedTuple):
    """Units of some layers, numbered layer by layer; picture number u is made for unit u."""

    channels: dict[str, np.ndarray]
    """by layer, in the net's order"""
    target: str
    """``unit`` in the middle of a map, or mean of the whole map of a ``filter``"""

    @property
    def count(self) -> int:
        """Of all layers."""
        return sum(map(len, self.channels.values()))

    def places(self) -> dict[str, slice]:
        """The numbers of each layer's units."""
        ends = np.cumsum([len(each) for each in self.channels.values()])
        starts = [0, *ends[:-1]]
        return {name: slice(*map(int, ends)) for name, *ends in zip(self.channels, starts, ends, strict=True)}

    def of_own_picture(self, maps: Maps) -> Float[Array, " units"]:
        """Each unit's activation by the picture of its number."""
        read = jax.vmap(TARGETS[self.target])
        found = [
            read(as_volume(maps[name][place]), jnp.asarray(self.channels[name]))
            for name, place in self.places().items()
        ]
        return jnp.concatenate(found)

    def of_all_pictures(self, maps: Maps) -> Float[Array, "pictures units"]:
        """All units' activations by every picture."""
        read = jax.vmap(jax.vmap(TARGETS[self.target], (None, 0)), (0, None))
        found = [read(as_volume(maps[name]), jnp.asarray(channels)) for name, channels in self.channels.items()]
        return jnp.concatenate(found, axis=1)


def layers_with_weights(shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """The layers of a net that are not fixed functions of the one before, at most ``MOST_LAYERS``."""
    outer = [name for name in shapes if "/" not in name]
    learnt = [name for name in outer if re.split(r"\d", name)[0] not in WITHOUT_WEIGHTS]
    return at_most(learnt or outer, MOST_LAYERS)


def all_layers(shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Every layer that is shown, at most ``MOST_LAYERS``."""
    return at_most([name for name in shapes if "/" not in name], MOST_LAYERS)


def at_most(names: Sequence[str], most: int) -> list[str]:
    """So many of the names, evenly spread, the first and the last among them."""
    places = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int))
    return [names[place] for place in places]


def check_layers(flag: str, asked: Sequence[str], shapes: Mapping[str, Sequence[int]]) -> None:
    """``WrongInput`` where the net has no such layer, one is named twice, or there are too many."""
    if unknown := [name for name in asked if name not in shapes]:
        raise WrongInput(f"{flag}: the net has no layer {unknown[0]}; it has {', '.join(shapes)}")
    if len(set(asked)) < len(asked) or len(asked) > MOST_LAYERS:
        raise WrongInput(
            f"{flag}: expected {counted(MOST_LAYERS, 'layer')} at most, and none twice, got {' '.join(asked)}"
        )


def units_of(shapes: Mapping[str, Sequence[int]], layers: Sequence[str], *, most: int, target: str) -> Units:
    """At most so many units of each layer, evenly spread over its channels."""
    spread = {name: np.asarray(at_most(range(shapes[name][-1]), most), np.int32) for name in layers}
    return Units(spread, target)
