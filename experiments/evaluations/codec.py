"""An encoder and a decoder as two functions of batches, whatever stands behind them: a network, a saved run, PCA."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from losses.likelihoods import Likelihood
from models.autoencoder import Autoencoder
from models.pca import fit_pca, project, reconstruct
from models.vae import Gaussian
from train.task import Params

Images = Float[Array, "images height width channels"]
Codes = Float[Array, "images latent"]
Rows = OrderedDict[str, Images]
"""Images by name, in an order that a compiled function keeps: of a plain dict it sorts the names."""

FITTED_ON = 20_000
"""Training images, at most, that PCA is fitted to where it stands beside a network."""


class Codec(NamedTuple):
    """Images to codes and back; of a distribution over either, its mean."""

    encode: Callable[[Images], Codes]
    decode: Callable[[Codes], Images]

    def reconstruct(self, images: Images) -> Images:
        """D(E(x))."""
        return self.decode(self.encode(images))


def network_codec(model: Autoencoder, likelihood: Likelihood, params: Params) -> Codec:
    """The encoder and decoder of a network with these parameters."""

    def encode(images: Images) -> Codes:
        code = model.apply(params, images, method="encode")
        return code.mean if isinstance(code, Gaussian) else code

    return Codec(encode, lambda codes: likelihood.mean(model.apply(params, codes, method="decode")))


def pca_codec(images: Images, size: int) -> Codec:
    """PCA of training images with ``size`` components, or as many as there are values in an image."""
    flat = images.reshape(len(images), -1)
    pca = jax.jit(fit_pca, static_argnames="components")(flat, components=min(size, flat.shape[1]))

    def decode(codes: Codes) -> Images:
        return jax.vmap(partial(reconstruct, pca))(codes).reshape(-1, *images.shape[1:])

    return Codec(lambda given: jax.vmap(partial(project, pca))(given.reshape(len(given), -1)), decode)


def training_pca(dataset: Dataset, size: int) -> Codec:
    """PCA of a data set's training images: what a network with a code of ``size`` numbers is held against."""
    return pca_codec(jax.device_put(dataset.head("train", FITTED_ON)["image"]), size)
