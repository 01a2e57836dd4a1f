"""Perceptual losses: how far pictures are from a content and from a style, as a fixed network sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from experiments.networks.perceptual import PerceptualNetwork, VGGLayer
from losses.style import Constants, content_error, gram_matrix, style_error
from losses.total_variation import total_variation
from train.optimizers import NotNegative
from train.task import Params

Pictures = Float[Array, "pictures height width 3"]
Maps = Mapping[str, Float[Array, "pictures rows columns channels"]]
Grams = Mapping[str, Float[Array, "channels channels"]]


class PerceptualErrors(NamedTuple):
    """What a perceptual loss weighs, of each picture."""

    content: Float[Array, " pictures"]
    style: Float[Array, " pictures"]
    variation: Float[Array, " pictures"]


@dataclass(frozen=True, kw_only=True)
class PerceptualObjective:
    """What pictures are asked for:  α · content + β · style + γ · total variation."""

    content_layers: tuple[VGGLayer, ...] = ("2_1",)
    """layers whose feature maps are to be those of the content, each the rectified output of a convolution"""
    style_layers: tuple[VGGLayer, ...] = ("1_1", "2_1", "3_1", "4_1", "5_1")
    """layers whose Gram matrices are to be those of the style"""
    constants: Constants = "gatys"
    """what stands before the sums of squares: as in Gatys et al. 2016, in Johnson et al. 2016, or nothing, as in the
    lecture; weights mean something else with each"""
    content_weight: NotNegative = 1.0
    """α"""
    style_weight: NotNegative = 1.0
    """β"""
    variation_weight: NotNegative = 0.0
    """γ, of squared differences of neighbouring pixels"""

    def __post_init__(self):
        for name, layers in (("content", self.content_layers), ("style", self.style_layers)):
            if not layers or len(set(layers)) < len(layers):
                raise ValueError(
                    f"--{name}-layers names at least one, and none twice, got {' '.join(layers) or 'none'}"
                )

    @property
    def layers(self) -> tuple[str, ...]:
        """All that are looked at, in the network's order."""
        return tuple(sorted({*self.content_layers, *self.style_layers}))

    def style_of(self, maps: Maps) -> Grams:
        """What the first picture has as its style."""
        return {layer: gram_matrix(maps[layer][0]) for layer in self.style_layers}

    def errors(self, pictures: Pictures, maps: Maps, content: Maps, style: Grams) -> PerceptualErrors:
        """Of pictures with these feature maps: each from the content of its own, and all from one style.

        Over layers errors are summed; in the constants of Gatys et al. 2016 those of the style are averaged, as equal
        weights of equation 5 are.
        """
        of_content, of_style = (
            jax.vmap(partial(each, constants=self.constants), over)
            for each, over in ((content_error, (0, 0)), (style_error, (0, None)))
        )
        own = sum(of_content(maps[layer], content[layer]) for layer in self.content_layers)
        common = sum(of_style(maps[layer], style[layer]) for layer in self.style_layers)
        if self.constants == "gatys":
            common = common / len(self.style_layers)
        return PerceptualErrors(own, common, jax.vmap(total_variation)(pictures))

    def loss(self, errors: PerceptualErrors, style_weight: float | Array | None = None) -> Float[Array, " pictures"]:
        """Their weighted sum, with another β where one is given."""
        beta = self.style_weight if style_weight is None else style_weight
        return self.content_weight * errors.content + beta * errors.style + self.variation_weight * errors.variation


class Seer(NamedTuple):
    """A network with its objective: what is seen of pictures, and how far that is from what is asked for."""

    network: PerceptualNetwork
    objective: PerceptualObjective

    def maps(self, weights: Params, pictures: Pictures) -> Maps:
        """Feature maps by layer."""
        return self.network.network(self.objective.layers).apply(weights, pictures)

    def style(self, weights: Params, picture: Float[Array, "rows columns 3"]) -> Grams:
        """The style of a picture."""
        return self.objective.style_of(self.maps(weights, picture[None]))

    def content(self, weights: Params, pictures: Pictures) -> Maps:
        """The content of each picture, of which no layer beyond is computed."""
        return self.network.network(self.objective.content_layers).apply(weights, pictures)

    def errors(self, weights: Params, pictures: Pictures, content: Maps, style: Grams) -> PerceptualErrors:
        """Of each picture."""
        return self.objective.errors(pictures, self.maps(weights, pictures), content, style)
