"""Vector-quantised autoencoders by settings."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from experiments.datasets import Dataset
from experiments.networks.likelihood_model import LikelihoodModel
from losses.likelihoods import LIKELIHOODS
from models.vqvae import mlp_vqvae, residual_vqvae

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class VQVAENetwork:
    """Encoder, codebook, decoder, and what the decoder's numbers mean."""

    network: Literal["mlp", "residual"] = "mlp"
    """dense layers, or the paper's convolutions"""
    widths: tuple[Count, ...] = (256, 256)
    """hidden units of the dense layers, or the one number of features of the convolutions"""
    positions: Count = 4
    """codes of an image; of the convolutions: at each place of a grid of a quarter of the height and width"""
    codes: Count = 64
    """vectors in the codebook"""
    dimensions: Count = 8
    """of a vector of the codebook"""
    likelihood: Literal["bernoulli", "gaussian", "categorical"] = "bernoulli"
    """what the decoder's numbers parameterise; of discrete values (not gaussian) it is a probability, as bits need"""

    def __post_init__(self):
        if self.network == "residual" and len(self.widths) != 1:
            one = "--network residual has one number of features"
            raise ValueError(f"{one}: --widths takes one value, not {self.widths}")

    def build(self, dataset: Dataset) -> LikelihoodModel:
        """The network for images of this data set."""
        likelihood, shape = LIKELIHOODS[self.likelihood](dataset.levels), dataset.image_shape
        sizes = {"outputs": likelihood.outputs, "codes": self.codes, "dimensions": self.dimensions}
        if self.network == "residual":
            (features,) = self.widths
            return LikelihoodModel(residual_vqvae(shape, layers=self.positions, features=features, **sizes), likelihood)
        return LikelihoodModel(mlp_vqvae(shape, positions=self.positions, widths=self.widths, **sizes), likelihood)
