"""Points in the plane from Gaussians whose places are known, so that a model's modes can be counted."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated
from experiments.numerals import counted

HELD_OUT = 250
"""Points for validation, and as many for the test."""


class Modes(NamedTuple):
    """Equally probable Gaussians of one deviation in each direction."""

    centres: Float[np.ndarray, "modes 2"]
    deviation: float


def _ring() -> Modes:
    angles = 2 * np.pi * np.arange(8) / 8
    return Modes(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32), 0.01)


def _grid() -> Modes:
    ticks = np.arange(-4, 5, 2, dtype=np.float32)
    return Modes(np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2), 0.05)


MODES = {"ring": _ring(), "grid": _grid()}
"""Eight on the unit circle, and 5 × 5 at distances of 2. Srivastava et al. 2017; deviations as in Lin et al. 2018."""


def gaussian_modes(name: str, *, examples: int) -> Dataset:
    """Points of ``MODES[name]``, "point" [2]: each of a mode that is drawn at random."""
    modes, splits = MODES[name], {}
    for seed, (split, count) in enumerate({"train": examples, "valid": HELD_OUT, "test": HELD_OUT}.items()):
        generator = np.random.Generator(np.random.Philox(seed))
        centres = modes.centres[generator.integers(0, len(modes.centres), count)]
        noise = generator.standard_normal((count, 2), np.float32)
        splits[split] = {"point": centres + np.float32(modes.deviation) * noise}
    which = f"{len(modes.centres)} Gaussians of deviation {modes.deviation:g} in a {name}"
    return generated(f"{name} of Gaussians", f"{counted(examples, 'point')} of {which}", splits)
