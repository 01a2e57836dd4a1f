"""A trained classifier as a pure function, and the one of the digits that comes with the package."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flax import linen as nn
from jaxtyping import Array, Float

from experiments.networks.shipped import shipped_params
from models.convnets.pattern_net import pattern_net
from train.task import Params

FILE = Path(__file__).with_name("lenet.safetensors")
SHA256 = "6513e33fe63b7d4b645a242750f9fd8139f9520c6fb4b88a450a5d15a674f783"
PATTERN = "CONV 6 5x5 → RELU → POOL → CONV 16 → RELU → POOL → FC 120 → RELU → FC 84 → RELU → FC"


class Classifier(NamedTuple):
    """What judges images and is not trained any more."""

    logits: Callable[[Params, Float[Array, "images height width channels"]], Float[Array, "images classes"]]
    """``(params, images) → logits``, of values in [0, 1]"""
    params: Params
    image_shape: tuple[int, int, int]
    """height, width and channels of the images"""
    classes: int
    name: str
    """what it is called where its judgement is told, with a digest of its parameters"""
    network: nn.Module | None = None
    """whose parameters these are, so that its features can be seen; None where there are several"""


def digit_classifier() -> Classifier:
    """LeNet-5 of scikit-learn's digits, 8×8, as the README beside this file says it was trained: 0.4 % test error.

    ``ValueError`` where its file is not the one that came with the package.
    """
    network, name = pattern_net(PATTERN, classes=10), f"LeNet-5 of digits, sha256:{SHA256[:12]}"
    return Classifier(network.apply, shipped_params(FILE, SHA256), (8, 8, 1), 10, name, network)
