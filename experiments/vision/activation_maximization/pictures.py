"""Pictures that are made by descent: how they begin, what the net is shown, and what is minimised."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from experiments.vision.activation_maximization.units import Maps, Units
from losses.feature_inversion import power_norm, relative_squared_error
from losses.total_variation import total_variation
from models.feature_maps import feature_maps
from models.layers.blur import gaussian_blur
from models.layers.jitter import random_shift, rolled
from train.task import Params

Picture = Float[Array, "height width channels"]
Pictures = Float[Array, "pictures height width channels"]
NOISE = 0.1
"""Standard deviation of what pictures begin with."""
PARTS = ("norm", "variation", "jitter", "blur")
WAYS: dict[str, tuple[str, ...]] = {"none": (), **{part: (part,) for part in PARTS}, "together": PARTS}
"""Regularisers, one by one and together."""
INVERSIONS = ("plain", "regularized")


@dataclass(frozen=True, kw_only=True)
class Regularizers:
    """How strong regularisers are."""

    norm: float
    """weight of the squared norm of a picture"""
    variation: float
    """weight of its total variation"""
    variation_power: float
    """of each length of the picture's gradient"""
    jitter: int
    """pixels that it is moved by at most, in each step"""
    blur: float
    """deviation in pixels of the Gaussian that it is blurred by"""
    inversion_variation: float
    """weight of the total variation of inverted images"""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What pictures are made with: a net that stays as it is, units, layers, regularisers.

    Parameters are ``{"maximized": {way: [units, H, W, C]}, "inverted": {plain, regularized: [layers, images, H, W,
    C]}}``; ``pictures`` are what they amount to.
    """

    network: nn.Module
    params: Params
    """of the network"""
    units: Units
    layers: tuple[str, ...]
    """that are inverted"""
    ways: tuple[str, ...]
    regularizers: Regularizers

    def begin(self, key: Key[Array, ""], mean: Picture, images: int) -> Params:
        """The mean training image under noise: published nets, too, see images less their mean, and begin at 0."""
        shapes = {
            "maximized": {way: (self.units.count, *mean.shape) for way in self.ways},
            "inverted": {kind: (len(self.layers), images, *mean.shape) for kind in INVERSIONS},
        }
        leaves, tree = jax.tree.flatten(shapes, is_leaf=lambda node: isinstance(node, tuple))
        keys = jax.random.split(key, len(leaves))
        noise = [mean + NOISE * jax.random.normal(*each) for each in zip(keys, leaves, strict=True)]
        return jax.tree.map(in_range, tree.unflatten(noise))

    def pictures(self, params: Params) -> Params:
        """Blurred where that is asked for; in the order of the ways, which compiled programs do not keep."""

        def seen(way: str) -> Pictures:
            own, blurred = params["maximized"][way], "blur" in WAYS[way]
            return gaussian_blur(own, deviation=self.regularizers.blur) if blurred else own

        return params | {"maximized": {way: seen(way) for way in self.ways}}

    def jittered(self, pictures: Params, key: Key[Array, ""]) -> Params:
        """The pictures as the net is shown them where they are to be moved at random."""
        shift = random_shift(key, most=self.regularizers.jitter)
        shown = {
            way: rolled(each, shift) if "jitter" in WAYS[way] else each for way, each in pictures["maximized"].items()
        }
        return pictures | {"maximized": shown}

    def look(self, pictures: Params, images: Pictures) -> tuple[dict[str, Array], dict[str, Array]]:
        """All pictures and the images by one pass of the net: of each way the units' activations, of each kind of
        inversion the errors of features [layers, images].
        """
        shape = images.shape[1:]
        groups = {**pictures["maximized"], **pictures["inverted"], "images": images}
        flat = {name: each.reshape(-1, *shape) for name, each in groups.items()}
        maps = self.maps(jnp.concatenate(list(flat.values())))
        own = {name: {layer: each[place] for layer, each in maps.items()} for name, place in _places(flat).items()}
        activations = {way: self.units.of_own_picture(own[way]) for way in self.ways}
        return activations, {kind: self.errors(own[kind], own["images"]) for kind in INVERSIONS}

    def maps(self, pictures: Pictures) -> Maps:
        """What the net makes of them."""
        return feature_maps(self.network, self.params, pictures)

    def errors(self, found: Maps, wanted: Maps) -> Float[Array, "layers images"]:
        """Of each layer's own pictures."""
        images = len(next(iter(wanted.values())))
        each = [
            jax.vmap(relative_squared_error)(found[layer][number * images : (number + 1) * images], wanted[layer])
            for number, layer in enumerate(self.layers)
        ]
        return jnp.stack(each)

    def terms(
        self,
        pictures: Params,
        excited: Mapping[str, Float[Array, " units"]],
        errors: Mapping[str, Array],
        mean: Picture,
    ) -> tuple[Float[Array, ""], Float[Array, " images"]]:
        """What is minimised: of all maximised pictures, and of each image that is inverted; their sum is the loss. The
        squared norm is that of what a picture adds to the mean.

            Σ λ₂‖x − x̄‖² + λ_V V(x) − a(x),   Σ_layers ‖φ(x) − φ₀‖²/‖φ₀‖² + λ V(x)
        """
        own = self.regularizers
        maximized = -sum(each.sum() for each in excited.values())
        for way, each in pictures["maximized"].items():
            if "norm" in WAYS[way]:
                maximized += own.norm * power_norm(each - mean, power=2.0)
            if "variation" in WAYS[way]:
                maximized += own.variation * self.variation(each).sum()
        varied = own.inversion_variation * self.variation(pictures["inverted"]["regularized"])
        return maximized, (sum(errors.values()) + varied).sum(axis=0)

    def variation(self, pictures: Float[Array, "*pictures height width channels"]) -> Float[Array, "*pictures"]:
        """Of each picture."""
        flat = pictures.reshape(-1, *pictures.shape[-3:])
        each = jax.vmap(lambda picture: total_variation(picture, power=self.regularizers.variation_power))(flat)
        return each.reshape(pictures.shape[:-3])


def in_range(pictures: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The nearest pictures with values from 0 to 1."""
    return jnp.clip(pictures, 0.0, 1.0)


def _places(groups: Mapping[str, Pictures]) -> dict[str, slice]:
    found, start = {}, 0
    for name, pictures in groups.items():
        found[name] = slice(start, start + len(pictures))
        start += len(pictures)
    return found
