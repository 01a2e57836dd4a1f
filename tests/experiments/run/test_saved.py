"""A saved run is used as it is, and a folder that holds none is refused in a line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from whole_runs import smoke_run

from experiments.errors import WrongInput
from experiments.run.registry import load
from experiments.run.reopening import reopen, restored_params
from experiments.run.run import Run, prepare
from experiments.run.saved import saved_autoencoder, saved_data, saved_params
from experiments.run.settings import Settings

pytestmark = pytest.mark.usefixtures("numbers_alone")


def test_an_autoencoder_is_its_codec_and_the_parameters_of_its_first_seed(tmp_path):
    workdir = smoke_run("autoencoder", tmp_path / "run", widths=(4,), latent=3, seeds=2)
    config, settings = reopen(workdir)
    run = prepare(config.experiment, config.preset, settings)
    both = restored_params(run, workdir).params
    dataset = saved_data(workdir, None)
    params = saved_params(workdir, dataset)
    assert jax.tree.all(jax.tree.map(lambda leaf, whole: np.array_equal(leaf, whole[0]), params, both))
    assert not jax.tree.all(jax.tree.map(lambda leaf, whole: np.array_equal(leaf, whole[1]), params, both))
    given, batch = saved_autoencoder(workdir, dataset), jax.tree.map(jnp.asarray, dataset.head("test", 5))
    codec = load("autoencoder").codec(run.settings, run.dataset, params)
    np.testing.assert_array_equal(given.codec(params).encode(batch["image"]), codec.encode(batch["image"]))
    losses, metrics = given.loss(params, batch, jax.random.split(jax.random.key(0), 5))
    assert losses.shape == metrics["squared_error"].shape == (5,)


def test_folders_that_hold_no_autoencoder_are_refused(tmp_path):
    with pytest.raises(WrongInput, match="holds no run"):
        saved_data(tmp_path, None)
    other = smoke_run("mlp", tmp_path / "mlp", widths=(4,))
    with pytest.raises(WrongInput, match="a run of mlp, which has no encoder to vectors and decoder") as refused:
        saved_autoencoder(other, saved_data(other, None))
    assert "\n" not in str(refused.value)


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    empty = smoke_run("autoencoder", tmp_path / "run", widths=(4,))
    for step in (empty / "checkpoints").iterdir():
        step.rename(tmp_path / step.name)
    with pytest.raises(WrongInput, match="none was saved"):
        saved_params(empty, saved_data(empty, None))


def test_a_run_whose_data_are_not_read_has_no_folder_of_them(tmp_path, monkeypatch):
    run = Run("generator", "smoke", None, Settings(), None)
    monkeypatch.setattr("experiments.run.saved._reopen", lambda workdir: run)
    with pytest.raises(WrongInput, match="a run of generator, which reads no --data-dir"):
        saved_data(tmp_path / "run", tmp_path)
