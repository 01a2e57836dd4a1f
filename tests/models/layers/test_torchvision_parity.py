"""Our functions of boxes and torchvision's on random boxes; ``make parity`` builds an environment that has them."""

import os
import subprocess
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.boxes import generalized_intersection_over_union, pairwise_overlap
from models.layers.suppression import suppress_overlaps

PROGRAM = Path(__file__).parents[3] / "experiments/bench/peers/torchvision_boxes.py"
PYTHON = Path(os.environ.get("PARITY", ".venv-parity")).absolute() / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no environment with torchvision: make parity builds it"),
]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Boxes, and what torchvision makes of them."""
    folder = tmp_path_factory.mktemp("torchvision")
    subprocess.run([PYTHON, PROGRAM, "--to", folder], check=True)
    with np.load(folder / "boxes.npz") as arrays:
        return {name: jnp.asarray(array) for name, array in arrays.items()}


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_the_same_boxes_stay(theirs, threshold):
    """Ties included, of which the first box counts as the better."""
    suppress = partial(suppress_overlaps, keep=theirs["boxes"].shape[1], threshold=threshold)
    kept = jax.vmap(suppress)(theirs["boxes"], theirs["scores"])
    np.testing.assert_array_equal(kept, theirs[f"kept_{threshold}"])
    assert 5 < (kept >= 0).sum(axis=1).min() < (kept >= 0).sum(axis=1).max() < 60


def test_overlaps_are_the_same(theirs):
    """A box and itself have all in common."""
    np.testing.assert_allclose(
        jax.vmap(pairwise_overlap)(theirs["boxes"], theirs["boxes"]), theirs["overlap"], atol=1e-5
    )
    pairwise = jax.vmap(jax.vmap(generalized_intersection_over_union, (None, 0)), (0, None))
    found = jax.vmap(pairwise)(theirs["boxes"], theirs["boxes"])
    np.testing.assert_allclose(found, theirs["generalized"], atol=1e-5)
