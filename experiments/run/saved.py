"""A saved run's data, autoencoder and parameters, for an experiment that uses them as they are."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
from flax import linen as nn

from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.evaluations.codec import Codec
from experiments.run.registry import load
from experiments.run.reopening import reopen, restored_params
from experiments.run.run import Run, first_seed
from experiments.run.settings import configure
from train.checkpoint import CheckpointError
from train.task import LossFn, Params


class ParametricAutoencoder(NamedTuple):
    """An autoencoder as functions of its parameters, whichever experiment it is from."""

    network: nn.Module
    """which has the parameters"""
    codec: Callable[[Params], Codec]
    """the encoder and decoder with given parameters"""
    loss: LossFn
    """its own loss on held-out data"""


def saved_data(workdir: Path, data_dir: Path | None) -> Dataset:
    """The data set of a run folder, read from ``data_dir`` if its files were moved; ``WrongInput`` where it is none."""
    run = _reopen(workdir)
    try:
        settings = configure(run.settings, {} if data_dir is None else {"data_dir": data_dir})
    except ValueError as error:
        raise WrongInput(f"{workdir} is a run of {run.name}, which reads no --data-dir: leave it out") from error
    return run.experiment.data(settings)


def saved_autoencoder(workdir: Path, dataset: Dataset) -> ParametricAutoencoder:
    """The autoencoder of a run folder; ``WrongInput`` where its experiment has no encoder to vectors and decoder."""
    run = _reopen(workdir)._replace(dataset=dataset)
    experiment, settings = run.experiment, run.settings
    if experiment.network is None or experiment.codec is None:
        raise _no_autoencoder(run, workdir)
    autoencoder = ParametricAutoencoder(
        experiment.network(settings, dataset),
        partial(experiment.codec, settings, dataset),
        experiment.monitor(settings, dataset),
    )
    if not _encodes_to_vectors(autoencoder, run):
        raise _no_autoencoder(run, workdir)
    return autoencoder


def saved_params(workdir: Path, dataset: Dataset) -> Params:
    """The parameters of the first seed of a run folder, in which nothing is written; ``WrongInput`` without any."""
    try:
        saved = restored_params(_reopen(workdir)._replace(dataset=dataset), workdir)
    except CheckpointError as error:
        raise WrongInput(str(error)) from error
    return first_seed(saved.params)


def _reopen(workdir: Path) -> Run:
    """A run without its data, on one device."""
    config, settings = reopen(workdir)
    alone = configure(settings, devices=1, shard="batch")
    return Run(config.experiment, config.preset, load(config.experiment), alone, None)


def _encodes_to_vectors(autoencoder: ParametricAutoencoder, run: Run) -> bool:
    """Whether what was trained is the network alone, and a code is a vector; nothing is computed."""
    key, image = jax.random.key(0), jax.device_put(run.dataset.example()["image"])
    params = jax.eval_shape(autoencoder.network.init, key, image)
    trained = jax.eval_shape(lambda key: run.task().init(key).params, key)
    if jax.tree.structure(params) != jax.tree.structure(trained):
        return False
    code = jax.eval_shape(lambda params: autoencoder.codec(params).encode(image), params)
    return getattr(code, "ndim", None) == 2


def _no_autoencoder(run: Run, workdir: Path) -> WrongInput:
    advice = "give a run of `lectern run autoencoder` or `lectern run vae`"
    return WrongInput(f"{workdir} is a run of {run.name}, which has no encoder to vectors and decoder: {advice}")
