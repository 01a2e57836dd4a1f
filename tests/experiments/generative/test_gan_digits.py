"""Images from latents: what is refused, and that a classifier comes to see digits in them."""

import jax
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, trained
from whole_runs import smoke_run

from experiments.datasets import DataError
from experiments.run.registry import load
from experiments.run.settings import configure


def test_a_penalty_beside_batch_normalisation_and_sides_that_cannot_be_halved_are_refused():
    experiment = load("gan_digits")
    with pytest.raises(ValueError, match="add --no-batch-normalized"):
        configure(experiment.settings(), gradient_penalty=10.0)
    with pytest.raises(DataError, match="8×8 cannot be halved so often"):
        experiment.data(configure(experiment.settings(), generator_widths=(4, 4, 4, 4)))


def test_latents_are_mapped_to_the_codes_of_a_saved_autoencoder(tmp_path, undrawn):
    """It measures them, and draws a figure of its own."""
    experiment = load("gan_digits")
    small = experiment.card.smoke | {"autoencoder": smoke_run("vae", tmp_path / "vae"), "support": 20}
    settings = configure(experiment.settings(), small, steps=1)
    dataset = experiment.data(settings)
    params = jax.jit(experiment.task(settings, dataset).init)(jax.random.key(0)).params
    whole = experiment.evaluate_whole(settings, dataset)
    found = jax.jit(whole.measure)(params, whole.data, jax.random.key(1))
    found = whole.conclude(jax.device_get(found))
    mapped = {"autoencoder/psnr", "map/psnr", "mean/psnr"}
    of_samples = {"classifier_confidence", "frechet_distance", "precision", "recall", "nearest"}
    assert found.keys() == {"classifier_score", "reverse_kl"} | mapped | of_samples
    assert np.isfinite(list(found.values())).all()
    assert experiment.figures(settings, dataset, params).keys() == {"samples", "nearest", "interpolations", "map"}
    with pytest.raises(ValueError, match="--support must be greater than --latent 16"):
        configure(experiment.settings(), autoencoder=tmp_path / "vae", support=16)


@pytest.mark.slow
def test_a_classifier_sees_more_kinds_of_digits_as_it_learns():
    """An untrained generator's images are all of one kind; 3.7 kinds are seen after 600 steps (7.2 after all)."""
    at_first, later = (configure(load("gan_digits").settings(), steps=steps) for steps in (1, 600))
    scores = [assert_same_at_every_evaluation_batch(*trained("gan_digits", each)) for each in (at_first, later)]
    assert scores[0]["classifier_score"] < 2 < 3 < scores[1]["classifier_score"]
