"""Each downstream task is done better than by chance, by a margin, and a saved network is left alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command import snapshot

from experiments.autoencoders.latent_uses.experiment import (
    EXPERIMENT,
    LatentUsesSettings,
    data,
    evaluate_whole,
    task,
    whole_sets,
)
from experiments.cli.flags import parse_flags
from experiments.datasets import DataError, load
from experiments.errors import WrongInput
from experiments.evaluations.downstream import OUT_OF_DISTRIBUTION
from experiments.run import registry, runner
from experiments.run.reopening import restored_params
from experiments.run.run import prepare
from experiments.run.saved import saved_autoencoder, saved_params
from experiments.run.settings import configure

KEY = jax.random.key(0)
DIGITS = load("digits", data_dir=None, binarization="none")


def measured(settings, dataset, params):
    sets, measure, _ = evaluate_whole(settings, dataset)
    found = jax.jit(measure)(params, jax.tree.map(jnp.asarray, sets), KEY)
    return {name: float(value) for name, value in found.items()}


def trained(settings):
    """What is measured after all steps."""
    dataset = data(settings)
    made, images = task(settings, dataset), jnp.asarray(dataset.splits["train"]["image"])

    @jax.jit
    def train(state):
        rows = jax.random.randint(KEY, (settings.loop.steps, settings.loop.batch_size), 0, len(images))
        return jax.lax.scan(lambda s, r: (made.step(s, {"image": images[r]})[0], None), state, rows)[0]

    return measured(settings, dataset, train(made.init(jax.random.key(0))).params)


@pytest.fixture(scope="module")
def default():
    """Half of the default's steps."""
    return trained(configure(LatentUsesSettings(), steps=1500))


def test_every_task_is_done_better_than_by_chance_by_a_margin(default):
    """Seen with this seed: 97, 75 and 46 %; 9 and 42 %; 20.2 and 11.4 dB; 18.2 and 10.6; 15.4 and 11.3; 1, 1, 0.94."""
    assert default["autoencoder/search"] > default["chance/search"] + 70
    assert default["autoencoder/search"] > default["untrained/search"] + 10
    assert default["autoencoder/neighbours"] > default["chance/neighbours"] + 50
    assert default["autoencoder/neighbours"] > default["untrained/neighbours"] + 15
    assert default["autoencoder/classifier_error"] < default["untrained/classifier_error"] - 15
    assert default["autoencoder/psnr"] > default["mean_image/psnr"] + 6
    assert default["autoencoder/compression"] > default["mean_image/psnr"] + 5
    assert default["autoencoder/denoising"] > default["noisy_image/denoising"] + 5
    assert default["autoencoder/imputation"] > default["mean_image/imputation"] + 2
    for kind in OUT_OF_DISTRIBUTION:
        assert default[f"autoencoder/anomaly_{kind}"] > 0.5 + 0.3


def test_it_beats_pca_of_equal_size_where_it_decodes(default):
    for name in ("compression", "denoising", "imputation"):
        assert default[f"autoencoder/{name}"] > default[f"pca/{name}"] + 0.5
    assert default["autoencoder/anomaly_upside_down"] > default["pca/anomaly_upside_down"]
    assert default["autoencoder/classifier_error"] < default["pca/classifier_error"]


def test_a_label_that_was_left_out_is_found():
    settings = configure(LatentUsesSettings(), left_out=0, steps=400)
    assert trained(settings)["autoencoder/anomaly_left_out"] > 0.8


def run_of(name, folder, **fields):
    experiment = registry.load(name)
    settings = configure(experiment.settings(), experiment.card.all_presets["smoke"] | fields)
    runner.start(prepare(name, "smoke", settings), folder)
    return folder


@pytest.fixture(scope="module", params=["autoencoder", "vae"])
def saved(request, tmp_path_factory):
    """A run of two seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.run.runner.draw_figures", lambda run, workdir, params: None)
        options = {"steps": 4, "chunk": 2, "seeds": 2, "widths": (12,), "latent": 5}
        return run_of(request.param, tmp_path_factory.mktemp(request.param) / "run", **options)


@pytest.mark.usefixtures("numbers_alone")
def test_a_saved_network_is_used_as_it_is(saved, tmp_path):
    before = snapshot(saved)
    fields = {"autoencoder": saved, "steps": 2, "chunk": 2, "labels": 30, "searched": 300, "measured": 100}
    run = prepare("latent_uses", "smoke", configure(LatentUsesSettings(), fields))
    summary = runner.start(run, tmp_path / "run")
    found = summary["metrics"]
    assert found.keys() <= EXPERIMENT.units.keys()
    params = restored_params(run, tmp_path / "run").params
    given = saved_params(saved, run.dataset)
    assert jax.tree.all(jax.tree.map(lambda leaf, one: np.array_equal(leaf[0], one), params["autoencoder"], given))
    assert all(np.any(leaf != 0) for leaf in jax.tree.leaves(params["probes"]["autoencoder"]))
    images = jnp.asarray(run.dataset.head("test", 100)["image"])
    restored = saved_autoencoder(saved, run.dataset).codec(given).reconstruct(images)
    errors = np.mean((np.asarray(restored) - np.asarray(images)) ** 2, axis=(1, 2, 3))
    assert found["autoencoder/psnr"]["mean"] == pytest.approx(np.mean(-10 * np.log10(errors)), rel=1e-4)
    assert snapshot(saved) == before


@pytest.mark.parametrize(
    "flags", [("--latent", "3"), ("--data", "digits"), ("--corruption", "none"), ("--learning-rate", "1")]
)
def test_what_a_given_network_has_decided_has_no_effect(flags, tmp_path):
    words = ["--autoencoder", str(tmp_path), *flags]
    with pytest.raises(WrongInput, match=f"{flags[0]} has no effect with --autoencoder, whose run has decided"):
        parse_flags(EXPERIMENT.settings(), words, prog="lectern run latent_uses")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": 3000}, "at most as many"),
        ({"neighbours": 3000}, "at most as many"),
        ({"autoencoder": "run", "left_out": 2}, "--left-out is for training without a label"),
        ({"missing": 0.0}, "--missing must be greater than 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        configure(LatentUsesSettings(), fields)


def test_data_that_cannot_be_measured_are_refused(monkeypatch):
    with pytest.raises(WrongInput, match="no image of digits has the label 12"):
        data(configure(LatentUsesSettings(), left_out=12))
    few = {split: {name: array[:50] for name, array in examples.items()} for split, examples in DIGITS.splits.items()}
    for change, message in (({"splits": few}, "has 50 training images"), ({"classes": 0}, "has no labels")):
        made = DIGITS._replace(**change)
        monkeypatch.setattr("experiments.datasets.settings.load", lambda *_, made=made, **__: made)
        with pytest.raises(DataError, match=message) as refused:
            data(LatentUsesSettings())
        assert "\n" not in str(refused.value)


def test_images_can_be_of_another_size():
    """Of 12 × 10 pixels, with a network of convolutions."""
    settings = configure(LatentUsesSettings(), network="conv", widths=(4,), labels=20, searched=100, measured=50)
    larger = {
        split: {"image": np.pad(examples["image"], ((0, 0), (2, 2), (1, 1), (0, 0))), "label": examples["label"]}
        for split, examples in DIGITS.splits.items()
    }
    dataset = DIGITS._replace(splits=larger)
    assert whole_sets(settings, dataset)["test"]["image"].shape == (50, 12, 10, 1)
    found = measured(settings, dataset, task(settings, dataset).init(KEY).params)
    assert np.isfinite(list(found.values())).all()
