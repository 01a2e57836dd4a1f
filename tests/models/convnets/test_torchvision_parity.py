"""Ours and torchvision's nets with the same weights; ``make parity`` builds an environment that has torchvision."""

import os
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest
from test_torchvision import NETS, shapes_of

from experiments.run.weights import read_weights
from models.convnets.torchvision import from_torchvision
from train.transforms import by_path

PROGRAM = Path(__file__).parents[3] / "experiments/bench/peers/torchvision_nets.py"
PYTHON = Path(os.environ.get("PARITY", ".venv-parity")).absolute() / "bin" / "python"


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="no environment with torchvision: make parity builds it")
@pytest.mark.parametrize("name", NETS)
def test_the_same_weights_give_the_same_logits(name, tmp_path):
    subprocess.run([PYTHON, PROGRAM, "--net", name, "--to", tmp_path], check=True)
    outputs = np.load(tmp_path / "outputs.npz")
    model, shape = NETS[name](1000), outputs["images"].shape[1:]
    weights = read_weights(tmp_path / "weights.safetensors")
    taken = from_torchvision(model, shapes_of(model, shape), weights, shape)
    structure = jax.eval_shape(model.init, jax.random.key(0), outputs["images"][:1])
    structure.pop("intermediates", None)
    variables = jax.tree.unflatten(jax.tree.structure(structure), [taken[path] for path in by_path(structure)])
    logits = jax.jit(model.apply)(variables, outputs["images"])
    scale = np.abs(outputs["logits"]).max()
    np.testing.assert_allclose(logits / scale, outputs["logits"] / scale, atol=1e-4)
