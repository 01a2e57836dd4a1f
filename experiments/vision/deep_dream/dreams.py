"""Dreams: what ascent adds to a picture, octave by octave, so that a net sees more of what it sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from experiments.objectives.layerwise_pretraining import in_stages
from losses.activation import filter_activation, layer_activation
from models.feature_maps import as_volume, feature_maps
from models.layers.blur import gaussian_blur
from models.layers.jitter import random_shift, rolled
from models.layers.octaves import accumulated, octave_sizes, resized
from models.layers.perturbation import unit_mean
from train.task import Metrics, Params, Phase, State, Task, initial_state, task_of_phases

Picture = Float[Array, "height width channels"]
Pictures = Float[Array, "pictures height width channels"]
AIMS = ("neuron", "layer")
"""A dream of one filter, and the content of a layer enhanced."""


class Aim(NamedTuple):
    """What is to be more active."""

    layer: str
    """by the name that it is shown under"""
    channel: int | None
    """one filter, or the layer as a whole"""

    def activation(self, features: Float[Array, "pictures rows columns channels"]) -> Float[Array, " pictures"]:
        """By each picture."""
        if self.channel is None:
            return jax.vmap(layer_activation)(features)
        return jax.vmap(filter_activation, (0, None))(features, jnp.asarray(self.channel))

    def __str__(self) -> str:
        return self.layer if self.channel is None else f"{self.layer}, {self.channel}"


@dataclass(frozen=True, kw_only=True)
class Dreamer:
    """A net that stays as it is, and how it dreams.

    Parameters are ``{aim: {octave: what it adds to the picture of its size}}``.
    """

    network: nn.Module
    """that takes images of any size"""
    params: Params
    """its"""
    channels: int
    """of the images that it has learnt from"""
    aims: Mapping[str, Aim]
    octaves: int
    octave_scale: float
    jitter: int
    blur: float
    step_size: float

    def sizes(self, picture: Picture) -> list[tuple[int, int]]:
        """Of the octaves."""
        return octave_sizes(picture.shape[:2], octaves=self.octaves, scale=self.octave_scale)

    def stages(self, own: Mapping[str, Picture], picture: Picture) -> list[Picture]:
        """The picture at each octave's size, with what has been added up to it."""
        details = accumulated([own[name_of(octave)] for octave in range(self.octaves)])
        return [resized(picture, size=each.shape[:2]) + each for each in details]

    def maps(self, pictures: Pictures) -> dict[str, Array]:
        """What the net makes of pictures, in its own colours or greys, in the layers that are looked at."""
        maps = feature_maps(self.network, self.params, in_channels(pictures, self.channels))
        return {aim.layer: as_volume(maps[aim.layer]) for aim in self.aims.values()}

    def activations(self, pictures: Mapping[str, Pictures]) -> Metrics:
        """Of each aim by its own pictures, by one pass of the net."""
        maps = self.maps(jnp.concatenate([pictures[name] for name in self.aims]))
        parts = {name: jnp.split(maps[aim.layer], len(self.aims)) for name, aim in self.aims.items()}
        return {name: aim.activation(parts[name][number]) for number, (name, aim) in enumerate(self.aims.items())}

    def phase(self, octave: int, picture: Picture) -> Phase:
        """Ascent in what one octave adds; the picture's values stay in their range."""

        def gradient(state: State, batch, keys):
            shift = random_shift(keys[0], most=self.jitter)

            def loss(params: Params) -> tuple[Array, Metrics]:
                still, added = jax.lax.stop_gradient(params), name_of(octave)
                own = {name: still[name] | {added: params[name][added]} for name in self.aims}
                shown = {name: rolled(self.stages(own[name], picture)[octave], shift)[None] for name in self.aims}
                active = {name: each[0] for name, each in self.activations(shown).items()}
                return -sum(active.values()), active

            (value, active), of_params = jax.value_and_grad(loss, has_aux=True)(state.params)
            metrics = {f"{name}/activation": each for name, each in active.items()}
            return of_params, {"loss": value} | metrics

        def update(state: State, gradient) -> State:
            added, params = name_of(octave), {}
            for name in self.aims:
                own = state.params[name]
                before = self.stages(own, picture)[octave] - own[added]
                smooth = gaussian_blur(gradient[name][added], deviation=self.blur)
                moved = before + own[added] - self.step_size * unit_mean(smooth)
                params[name] = own | {added: jnp.clip(moved, 0.0, 1.0) - before}
            return state._replace(params=params)

        return Phase(gradient, update)

    def task(self, picture: Picture, steps: int) -> Task:
        """Octaves from small to large, each of which has an equal share of the steps."""

        def init(key: Key[Array, ""]) -> State:
            sizes = {name_of(octave): size for octave, size in enumerate(self.sizes(picture))}
            own = {name: jnp.zeros((*size, picture.shape[-1]), picture.dtype) for name, size in sizes.items()}
            return initial_state(key, {name: own for name in self.aims}, ())

        phases = [self.phase(octave, picture) for octave in range(self.octaves)]
        return task_of_phases(init, [in_stages(phases, max(1, steps // self.octaves))])


def name_of(octave: int) -> str:
    """What an octave is called."""
    return f"octave_{octave + 1}"


def in_channels(pictures: Float[Array, "*batch own"], channels: int) -> Float[Array, "*batch channels"]:
    """Colours as the greys that are their mean, or greys as colours that are equal."""
    own = pictures.shape[-1]
    if own == channels:
        return pictures
    return jnp.repeat(jnp.mean(pictures, axis=-1, keepdims=True), channels, axis=-1)
