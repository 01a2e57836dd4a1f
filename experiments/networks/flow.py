"""Flows of images by settings."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from experiments.datasets import DataError, Dataset
from models.image_flow import IMAGE_FLOWS, Conditioners, ImageFlow, UniformDequantizer, variational_dequantizer

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class ImageFlowNetwork:
    """A flow of grey or coloured images."""

    network: Literal["simple", "multiscale", "glow"] = "multiscale"
    """couplings of checkerboards; two scales of them and of channels; two scales of activation normalisation,
    invertible 1×1 convolution and coupling of channels"""
    blocks: Count = 4
    """couplings of a scale; the simple flow has as many as two scales"""
    coupling: Literal["affine", "additive"] = "affine"
    """scale and shift, or shift alone"""
    hidden: Count = 8
    """features of a convolution; half as many again, and twice as many, where there are more channels"""
    depth: Annotated[int, Ge(0)] = 1
    """gated convolutions of each coupling's network"""
    dequantization: Literal["uniform", "variational"] = "uniform"
    """what fills the bins of the levels: uniform noise, or noise that couplings fit to the image"""
    noise_hidden: Count = 8
    """features of the couplings that make the noise"""

    def idle(self) -> dict[str, str]:
        """What has no effect."""
        return {} if self.dequantization == "variational" else {"noise_hidden": "with --dequantization uniform"}

    def build(self, dataset: Dataset) -> ImageFlow:
        """The network for images of this data set; ``DataError`` where two scales do not tile them."""
        shape = height, width, channels = dataset.image_shape
        if self.network != "simple" and (height % 4 or width % 4):
            raise DataError(
                f"{dataset.name} has images of {height} × {width}, which 4 × 4 blocks do not tile: "
                "type --network simple"
            )
        nets = Conditioners(self.hidden, self.depth, self.blocks, self.coupling)
        dequantizer = UniformDequantizer()
        if self.dequantization == "variational":
            dequantizer = variational_dequantizer(channels, Conditioners(self.noise_hidden, self.depth, self.blocks))
        return ImageFlow(IMAGE_FLOWS[self.network](shape, nets), dequantizer, dataset.levels)
