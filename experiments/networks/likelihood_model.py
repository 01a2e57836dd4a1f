"""A network with an encoder and a decoder, and the likelihood that the decoder's numbers parameterise."""

from typing import NamedTuple

from experiments.evaluations.codec import Codec, network_codec
from losses.likelihoods import Likelihood
from models.autoencoder import Autoencoder
from train.task import Params


class LikelihoodModel(NamedTuple):
    """x → code → the parameters of p(x | code)."""

    network: Autoencoder
    likelihood: Likelihood

    def codec(self, params: Params) -> Codec:
        """Images to codes, and codes to expected images."""
        return network_codec(self.network, self.likelihood, params)
