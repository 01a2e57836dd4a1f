"""Deterministic autoencoders by settings."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from experiments.datasets import Dataset
from experiments.networks.likelihood_model import LikelihoodModel
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import CodeHead, conv_autoencoder, mlp_autoencoder
from models.tied_autoencoder import TiedAutoencoder

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class AutoencoderNetwork:
    """Encoder, code and decoder."""

    network: Literal["mlp", "conv"] = "mlp"
    """dense layers, or convolutions of stride 2 and their mirror image"""
    widths: tuple[Count, ...] = (256, 128)
    """hidden units of the dense layers, or channels of the convolutions; none: one linear map to the code"""
    activation: Literal["relu", "tanh", "sigmoid", "linear"] = "relu"
    """activation of the dense layers"""
    tied: bool = False
    """whether the decoder's weights are the encoder's, transposed"""
    latent: Count = 8
    """numbers in a code"""
    code_activation: Literal["relu", "tanh", "sigmoid", "linear"] = "linear"
    """activation of the code"""
    keep: Annotated[int, Ge(0)] = 0
    """how many of a code's largest numbers stay, all others becoming 0; 0 is off"""
    likelihood: Literal["bernoulli", "unit_gaussian"] = "bernoulli"
    """bernoulli: cross-entropy; unit_gaussian: half the squared error"""

    def __post_init__(self):
        if self.keep > self.latent:
            raise ValueError(f"--keep must be at most --latent {self.latent}, got {self.keep}")
        if self.tied and self.network == "conv":
            raise ValueError("--tied is for dense layers: add --network mlp, or --no-tied")

    def idle(self) -> dict[str, str]:
        """Convolutions have an activation of their own, and no hidden layer has none."""
        if self.network == "conv":
            return {"activation": "with --network conv"}
        return {} if self.widths else {"activation": "without hidden layers"}

    def build(self, dataset: Dataset) -> LikelihoodModel:
        """The network for images of this data set."""
        likelihood = LIKELIHOODS[self.likelihood](dataset.levels)
        head = CodeHead(self.latent, self.code_activation, self.keep)
        shape = {"image_shape": dataset.image_shape, "outputs": likelihood.outputs}
        if self.network == "conv":
            return LikelihoodModel(conv_autoencoder(head, channels=self.widths, **shape), likelihood)
        untied = mlp_autoencoder(head, widths=self.widths, activation=self.activation, **shape)
        network = TiedAutoencoder(untied.encoder, untied.decoder) if self.tied else untied
        return LikelihoodModel(network, likelihood)

    @property
    def is_linear(self) -> bool:
        """Whether the whole network is a linear map."""
        layers = self.activation == "linear" or not self.widths
        return self.network == "mlp" and layers and self.code_activation == "linear" and not self.keep

    @property
    def is_sigmoid_layer(self) -> bool:
        """Whether the encoder is one layer of sigmoids, whose Jacobian has a closed form."""
        return self.network == "mlp" and not self.widths and self.code_activation == "sigmoid" and not self.keep
