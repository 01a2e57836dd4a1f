"""Variational autoencoders by settings."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from experiments.datasets import Dataset
from experiments.networks.likelihood_model import LikelihoodModel
from losses.likelihoods import LIKELIHOODS
from models.vae import conv_vae, mlp_vae

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class VAENetwork:
    """Encoder, decoder, and what the decoder's numbers mean."""

    network: Literal["mlp", "conv"] = "mlp"
    """dense layers, or convolutions of stride 2 and their mirror image"""
    latent: Count = 8
    """dimensions of the latent"""
    widths: tuple[Count, ...] = (256, 256)
    """hidden units of the dense layers, or channels of the convolutions"""
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    """activation of the dense layers"""
    likelihood: Literal["bernoulli", "gaussian", "categorical"] = "bernoulli"
    """what the decoder's numbers parameterise"""

    def build(self, dataset: Dataset) -> LikelihoodModel:
        """The network for images of this data set."""
        likelihood = LIKELIHOODS[self.likelihood](dataset.levels)
        shape = {"image_shape": dataset.image_shape, "outputs": likelihood.outputs, "latent": self.latent}
        if self.network == "conv":
            return LikelihoodModel(conv_vae(channels=self.widths, **shape), likelihood)
        return LikelihoodModel(mlp_vae(widths=self.widths, activation=self.activation, **shape), likelihood)
