"""Molecules that are drawn become files; what is compiled does not depend on how long a run is."""

import jax
import numpy as np
import pytest

from experiments import open_run
from experiments.datasets.molecules.load import load_molecules
from experiments.molecules.molecule_autoencoder.card import CARD
from experiments.molecules.molecule_autoencoder.experiment import MoleculeAutoencoderSettings
from experiments.networks.molecules import decode_all, decoder, likely_bonds
from experiments.run import runner
from experiments.run.run import prepare
from experiments.run.sample_files import write_samples
from experiments.run.settings import configure
from models.molecule_net import MoleculeVAE

SMOKE = configure(MoleculeAutoencoderSettings(), CARD.all_presets["smoke"] | {"heavy_atoms": 2, "layers": 1})


@pytest.fixture(scope="module")
def dataset():
    return load_molecules(None, heavy_atoms=2)


def test_samples_are_smiles_with_their_numbers_and_a_grid_of_those_that_are_valid(dataset, tmp_path):
    assert dataset.symbols == ("C(4)", "F(1)", "N(3)", "O(2)")
    atoms = np.array([[1, 4], [2, 4], [1, 1], [3, 0]], np.int32)
    orders = np.array([2, 2, 0, 0], np.int32)[:, None, None] * np.array([[0, 1], [1, 0]], np.int32)
    folder = write_samples(tmp_path, 5, dataset, {"of_seed": 0}, {"atoms": atoms, "bonds": orders})
    assert (folder / "samples.smi").read_text() == "C=O 0\nN 3\n"
    assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")
    nothing = write_samples(tmp_path, 5, dataset, {}, {"atoms": atoms[1:3], "bonds": orders[1:3]})
    assert (nothing / "samples.smi").read_text() == ""
    assert not (nothing / "samples.png").exists()


def test_no_decoded_molecule_exceeds_a_valence(dataset):
    """With the search, of an untrained network; without it bonds are symmetric, and none is at padding."""
    model = MoleculeVAE(kinds=4, atoms=2, latent=2, width=4, layers=1)
    example = dataset.example()
    params = jax.jit(model.init)(jax.random.key(0), example["atoms"], example["bonds"])
    latents = 5 * jax.random.normal(jax.random.key(1), (20, 2))
    decode = decoder(dataset, model, beam=3)
    atoms, bonds = jax.jit(lambda params, latents: decode_all(decode, params, latents, jax.random.key(2)))(
        params, latents
    )
    valences = np.array([0, 4, 1, 3, 2])[atoms]
    assert (np.sum(bonds, axis=2) <= valences).all()
    assert (atoms > 0).any(axis=1).all()
    guessed, orders = jax.jit(jax.vmap(lambda latent: likely_bonds(model, params, latent)))(latents)
    np.testing.assert_array_equal(guessed, atoms)
    np.testing.assert_array_equal(orders, orders.swapaxes(1, 2))
    assert not np.asarray(orders)[np.asarray(guessed) == 0].any()


@pytest.mark.slow
def test_nothing_is_compiled_after_the_first_chunk(tmp_path, monkeypatch):
    compiled = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(duration)

    monkeypatch.setattr(runner, "measure_test_split", lambda run, params, check: {})
    monkeypatch.setattr(runner, "draw_figures", lambda *_: None)
    jax.monitoring.register_event_duration_secs_listener(listen)
    counts = []
    for steps in (2, 2, 8):
        compiled.clear()
        settings = configure(SMOKE, steps=steps, chunk=2, evaluate_every=2, save_every=2, warmup_steps=0)
        runner.start(prepare("molecule_autoencoder", "smoke", settings), tmp_path / str(len(counts)))
        counts.append(len(compiled))
    assert counts[1] == counts[2]
    assert open_run(tmp_path / "2")
