"""Feature maps that pictures are compared by: VGG's, with random weights or with published ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Lt
from flax.traverse_util import unflatten_dict
from jaxtyping import Array, Float, Key

from experiments.datasets import DataError
from experiments.errors import WrongInput
from experiments.run.settings import Count
from experiments.run.weights import read_weights
from models.convnets.vgg_features import (
    WIDTHS,
    VGGFeatures,
    check_layers,
    features_from_torchvision,
    least_side,
    steps,
)
from models.standardized import PIXELS, Standardized
from train.task import Params
from train.transforms import by_path

VGGLayer = Literal[*(step.name for step in steps(19))]
"""Block and number of a convolution in VGG19, which has the layers of the smaller ones too."""
Depth = Literal["11", "13", "16", "19"]


@dataclass(frozen=True, kw_only=True)
class PerceptualNetwork:
    """Which network sees the pictures; it is never trained."""

    vgg: Depth = "19"
    """layers with weights of the whole VGG, whose convolutions are taken"""
    weights: Path | None = None
    """a file of safetensors with torchvision's weights of this VGG; without one weights are random"""
    feature_widths: tuple[Count, ...] = (16, 32, 64, 64, 64)
    """features of the convolutions of the five blocks, random ones; VGG's own are 64 128 256 512 512"""
    feature_seed: Annotated[int, Ge(0), Lt(2**31)] = 0
    """what random weights are drawn from, whatever the seed of the run"""
    pooling: Literal["average", "max"] = "average"
    """what is taken of four places between two blocks: their mean, or as in VGG the largest"""

    def __post_init__(self):
        if len(self.feature_widths) != len(WIDTHS):
            raise ValueError(f"--feature-widths names the widths of {len(WIDTHS)} blocks, got {self.feature_widths}")

    def idle(self) -> dict[str, str]:
        """What is drawn at random, with weights from a file."""
        return dict.fromkeys(("feature_widths", "feature_seed"), "with --weights") if self.weights else {}

    def check(self, layers: Sequence[str]) -> None:
        """``ValueError`` where the VGG has not all of these layers."""
        check_layers(layers, int(self.vgg))

    def network(self, layers: Sequence[str]) -> Standardized:
        """The network: pictures in [0, 1] → feature maps by layer."""
        widths = WIDTHS if self.weights else self.feature_widths
        return Standardized(
            VGGFeatures(tuple(layers), int(self.vgg), widths, self.pooling == "average"), *PIXELS["imagenet"]
        )

    def params(self, layers: Sequence[str]) -> Params:
        """Its parameters, read or drawn; ``WrongInput`` where the file is none of this VGG's weights."""
        network, example = self.network(layers), jnp.zeros((1, least_side(layers), least_side(layers), 3))
        if self.weights is None:
            return jax.device_get(_drawn(network, jax.random.key(self.feature_seed), example))
        shapes = {
            path: leaf.shape for path, leaf in by_path(jax.eval_shape(network.init, jax.random.key(0), example)).items()
        }
        try:
            read = features_from_torchvision(int(self.vgg), shapes, read_weights(self.weights.expanduser()))
        except ValueError as error:
            raise WrongInput(f"{self.weights} holds no weights of VGG{self.vgg}: {error}") from error
        return unflatten_dict({tuple(path.split("/")): np.asarray(leaf, np.float32) for path, leaf in read.items()})

    def check_size(self, layers: Sequence[str], words: str, size: tuple[int, int]) -> None:
        """``DataError`` where a picture, which ``words`` name, is so small that nothing is left of it at some layer."""
        least = least_side(layers)
        if min(size) < least:
            raise DataError(
                f"{words}: layer {max(layers)} needs {least} pixels or more a side; give larger pictures, or earlier "
                "layers"
            )


@partial(jax.jit, static_argnums=0)
def _drawn(network: Standardized, key: Key[Array, ""], example: Float[Array, "1 side side 3"]) -> Params:
    """First parameters; compiled once for equal networks."""
    return network.init(key, example)
