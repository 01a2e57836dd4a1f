"""An exported network gives the same numbers without this package, for any number of inputs."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file
from whole_runs import smoke_run

from experiments import open_run
from experiments.errors import WrongInput
from experiments.report.model_card import model_card
from experiments.run.export import export, named

pytestmark = pytest.mark.usefixtures("numbers_alone")
READER = """
import sys, jax, numpy as np
from safetensors.numpy import load_file
weights, inputs = load_file(sys.argv[1] + "/weights.safetensors"), np.load(sys.argv[2])
outputs = jax.export.deserialize(open(sys.argv[1] + "/forward.stablehlo", "rb").read()).call(weights, inputs)
np.savez(sys.argv[3], **outputs)
assert not {"experiments", "models", "flax"} & set(sys.modules)
"""
NETWORKS = {
    "mlp": {"widths": (8,)},
    "convnet": {"pattern": "CONV 4 → BN → RELU → POOL → CONV 4 → LRN → POOL average → POOL all → FC 8 → DROPOUT → FC"},
    "autoencoder": {"widths": (8,), "latent": 3},
    "vae": {"network": "conv", "widths": (4, 8), "latent": 3},
    "vqvae": {"codebook": "ema"},
    "fixed_window": {"widths": (8,)},
    "adding_problem": {},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_forward_pass_is_the_networks_at_any_number_of_inputs(name, tmp_path):
    run = open_run(smoke_run(name, tmp_path / "run", **NETWORKS[name]))
    exported = export(run, tmp_path / "model")
    weights, params = load_file(tmp_path / "model" / "weights.safetensors"), run.params()
    forward = jax.export.deserialize((tmp_path / "model" / "forward.stablehlo").read_bytes())
    example, of_experiment = jax.device_put(run.dataset.head("test", 5)), run.run.experiment.inputs
    inputs = (
        example.get("image", example.get("symbols")) if of_experiment is None else of_experiment(run.settings, example)
    )
    inputs = inputs.astype(np.int32) if np.issubdtype(inputs.dtype, np.integer) else inputs
    for count in (1, 5):
        expected, _ = named(run.network.apply(params, inputs[:count]))
        found = forward.call(weights, inputs[:count])
        assert found.keys() == ({"output"} if expected.keys() == {""} else expected.keys())
        for (key, value), reference in zip(found.items(), expected.values(), strict=True):
            np.testing.assert_allclose(value, reference, rtol=1e-6, atol=1e-6, err_msg=key)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == exported.numbers
    keys = json.loads((tmp_path / "model" / "keys.json").read_text())
    for key, path in keys.items():
        leaf = params
        for part in path:
            leaf = leaf[part]
        np.testing.assert_array_equal(weights[key], leaf)


def test_it_is_read_in_a_process_without_this_package(tmp_path):
    run = open_run(smoke_run("mlp", tmp_path / "run", widths=(8,)))
    exported = export(run, tmp_path / "model")
    inputs = jax.device_put(run.dataset.head("test", 3)["image"])
    np.save(tmp_path / "inputs.npy", inputs)
    command = [sys.executable, "-c", READER, tmp_path / "model", tmp_path / "inputs.npy", tmp_path / "outputs.npz"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(list(map(str, command)), check=True, cwd=tmp_path, env=environment)
    expected = run.network.apply(run.params(), inputs)
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npz")["output"], expected, rtol=1e-6, atol=1e-6)
    card = model_card(run, exported)
    for said in ("# mlp, preset smoke", "digits 1297/250/250", "test error:", "(1 seed, 2 steps)", "load_file("):
        assert said in card
    for said in ("**inputs**: float32 [batch, 8, 8, 1]\n", "**outputs**: `output` float32 [batch, 10]\n"):
        assert said in card


def test_what_cannot_be_exported_is_a_line(tmp_path):
    run = open_run(smoke_run("mlp", tmp_path / "run", widths=(8,)))
    with pytest.raises(WrongInput, match="no platform 'gpu' for --platforms; there are: cpu, cuda"):
        export(run, tmp_path / "model", platforms=["cpu", "gpu"])
    with pytest.raises(WrongInput, match="is not an empty folder"):
        export(run, tmp_path / "run")
    assert not (tmp_path / "model").exists()
    with pytest.raises(WrongInput, match=r"pca has no one network; these have: .*vae"):
        export(open_run(smoke_run("pca", tmp_path / "pca")), tmp_path / "model")
    with pytest.raises(WrongInput, match=r"two weights would be named a\.b"):
        named({"a.b": np.zeros(1), "a": {"b": np.zeros(1)}})
