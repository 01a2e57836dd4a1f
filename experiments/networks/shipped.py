"""Parameters that come with the package."""

from pathlib import Path

import jax
from flax.traverse_util import unflatten_dict

from experiments.run.weights import digest, read_weights
from train.task import Params


def shipped_params(file: Path, sha256: str) -> Params:
    """What ``lectern export`` wrote to a file, by collection; ``ValueError`` where it is not the one that came with the
    package.
    """
    if (found := digest(file)) != sha256:
        raise ValueError(f"{file} is not the file that came with the package: its SHA-256 is {found}")
    named = {tuple(name.split(".")): leaf for name, leaf in read_weights(file).items()}
    return jax.device_put(unflatten_dict(named))
