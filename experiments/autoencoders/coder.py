"""An encoder and a decoder as two functions of batches, whatever stands behind them: a network, a saved run, PCA."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from experiments import runner
from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.flags import replace
from experiments.registry import load
from experiments.runner import Run
from losses.likelihoods import Likelihood
from models.autoencoder import Autoencoder
from models.pca import fit_pca, project, reconstruct
from models.vae import Gaussian
from train.checkpoint import CheckpointError
from train.task import Params

Images = Float[Array, "images height width channels"]
Codes = Float[Array, "images latent"]


class Coder(NamedTuple):
    """Images to codes and back; of a distribution over either, its mean."""

    encode: Callable[[Images], Codes]
    decode: Callable[[Codes], Images]

    def reconstruct(self, images: Images) -> Images:
        """D(E(x))."""
        return self.decode(self.encode(images))


def coder_of(model: Autoencoder, likelihood: Likelihood, params: Params) -> Coder:
    """The network with these parameters."""

    def encode(images: Images) -> Codes:
        code = model.apply(params, images, method="encode")
        return code.mean if isinstance(code, Gaussian) else code

    return Coder(encode, lambda codes: likelihood.mean(model.apply(params, codes, method="decode")))


def principal_components(images: Images, size: int) -> Coder:
    """PCA of training images with ``size`` components, or as many as there are values in an image."""
    flat = images.reshape(len(images), -1)
    pca = fit_pca(flat, components=min(size, flat.shape[1]))

    def decode(codes: Codes) -> Images:
        return jax.vmap(partial(reconstruct, pca))(codes).reshape(-1, *images.shape[1:])

    return Coder(lambda given: jax.vmap(partial(project, pca))(given.reshape(len(given), -1)), decode)


def _reopen(workdir: Path, **fields: object) -> Run:
    """A run without its data, on one device."""
    config, settings = runner.reopen(workdir)
    fields = {name: value for name, value in fields.items() if value is not None}
    settings = replace(settings, devices=1, shard="batch", **fields)
    return Run(config.experiment, config.preset, load(config.experiment), settings, None)


def saved_data(workdir: Path, data_dir: Path | None) -> Dataset:
    """The data set of a run folder, read from ``data_dir`` if its files were moved; ``WrongInput`` where it is none."""
    run = _reopen(workdir, data_dir=data_dir)
    return run.experiment.data(run.settings)


def saved_network(workdir: Path, dataset: Dataset) -> tuple[Autoencoder, Likelihood]:
    """The network of a run folder, and the likelihood that its decoder parameterises.

    ``WrongInput`` where it has no encoder to vectors and no decoder.
    """
    run = _reopen(workdir)
    model_of = getattr(sys.modules[run.experiment.task.__module__], "model_of", None)
    try:
        model, likelihood = model_of(run.settings, dataset)
        example = jax.ShapeDtypeStruct((1, *dataset.image_shape), jnp.float32)
        params = jax.eval_shape(model.init, jax.random.key(0), example)
        code = jax.eval_shape(
            lambda params, images: coder_of(model, likelihood, params).encode(images), params, example
        )
        vectors = isinstance(model, Autoencoder) and code.ndim == 2
    except (TypeError, AttributeError):
        vectors = False
    if not vectors:
        advice = "give a run of `lectern run autoencoder` or `lectern run vae`"
        raise WrongInput(f"{workdir} is a run of {run.name}, which has no encoder to vectors and decoder: {advice}")
    return model, likelihood


def saved_params(workdir: Path, dataset: Dataset) -> Params:
    """The parameters of the first seed of a run folder, in which nothing is written; ``WrongInput`` without any."""
    try:
        _, params = runner.restored_params(_reopen(workdir)._replace(dataset=dataset), workdir)
    except CheckpointError as error:
        raise WrongInput(str(error)) from error
    return jax.tree.map(lambda leaf: leaf[0], params)
