"""A saved run's data, network and parameters, for an experiment that uses them as they are."""

from pathlib import Path
from typing import NamedTuple

from flax import linen as nn

from experiments.datasets import Dataset
from experiments.run.settings import configure


class SavedCodec(NamedTuple):
    """An encoder and decoder that were trained before: its network, and what it is with given parameters."""

    network: nn.Module
    codec: "CodecOfParams"


def saved_data(workdir: Path, data_dir: Path | None) -> Dataset:
    """The data set of a run folder, read from ``data_dir`` if its files were moved; ``WrongInput`` where it is none."""
    run = _reopen(workdir)
    settings = configure(run.settings, data_dir=data_dir) if data_dir else run.settings
    return run.experiment.data(settings)
