"""Three models side by side: what they are, and what is measured of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.latent_space.experiment import (
    EXPERIMENT,
    LatentSpaceSettings,
    codecs,
    data,
    evaluate_whole,
    figures,
    task,
    whole_sets,
)
from experiments.cli.flags import parse_flags
from experiments.datasets import DataError, load
from experiments.errors import WrongInput
from experiments.run.settings import configure

KEY = jax.random.key(0)
DIGITS = load("digits", data_dir=None, binarization="none")
IMAGES = jnp.asarray(DIGITS.head("train", 100)["image"])


def trained(settings):
    """What is measured after all steps."""
    dataset = data(settings)
    made, (sets, measure, _) = task(settings, dataset), evaluate_whole(settings, dataset)

    @jax.jit
    def train(state):
        def step(state, rows):
            return made.step(state, {"image": jnp.asarray(dataset.splits["train"]["image"])[rows]})[0], None

        rows = jax.random.randint(KEY, (settings.loop.steps, settings.loop.batch_size), 0, 500)
        return jax.lax.scan(step, state, rows)[0]

    state = train(made.init(jax.random.key(0)))
    return jax.jit(measure)(state.params, jax.tree.map(jnp.asarray, sets), KEY)


@pytest.mark.parametrize("second", ["vae", "autoencoder"])
def test_two_trained_models_understand_each_other_through_a_linear_map(second):
    found = trained(configure(LatentSpaceSettings(), second=second, widths=(64,), steps=600))
    assert found["stitched_least_squares/psnr"] > found["stitched_random/psnr"] + 2
    assert found["stitched_least_squares/psnr"] > found["first/psnr"] - 3
    assert found["first/nearest_distance_far"] > found["first/nearest_distance_typical"]
    assert found["plane/geodesic_length_ratio"] < 1


def test_the_second_model_is_what_it_is_asked_to_be():
    shapes = {}
    for second in ("vae", "autoencoder"):
        settings = configure(LatentSpaceSettings(), second=second, widths=(8,), latent=3, support=10)
        params = task(settings, DIGITS).init(KEY).params
        assert codecs(settings, DIGITS, params)[1].encode(IMAGES).shape == (100, 3)
        shapes[second] = jax.tree.map(jnp.shape, params["second"])
    assert shapes["vae"] != shapes["autoencoder"]


def test_models_do_not_share_parameters_or_gradients():
    """A step with the second model's loss made another leaves the first as it is."""
    settings = configure(LatentSpaceSettings(), widths=(8,), batch_size=10)
    states = [task(each, DIGITS) for each in (settings, configure(settings, second="autoencoder"))]
    one, other = (jax.jit(t.step)(t.init(KEY), {"image": IMAGES[:10]})[0].params for t in states)
    assert jax.tree.all(jax.tree.map(np.array_equal, one["first"], other["first"]))
    assert jax.tree.all(jax.tree.map(np.array_equal, one["plane"], other["plane"]))


def test_shapes_are_measured_and_drawn_by_their_factors():
    """In all of their combinations, however few images are asked for."""
    settings = configure(LatentSpaceSettings(), data="shapes", widths=(4,), latent=3, support=10, geodesic_steps=1)
    dataset = data(settings)
    sets, measure, _ = evaluate_whole(settings, dataset)
    assert len(whole_sets(configure(settings, measured=40), dataset)["test"]["image"]) == 600
    params = task(settings, dataset).init(KEY).params
    found = jax.eval_shape(measure, params, sets, KEY)
    assert {"first/mig", "rotated/beta_vae_score", "third_image/analogy_psnr"} < found.keys() < EXPERIMENT.units.keys()
    assert {"factors", "traversals", "factor_analogies"} < figures(settings, dataset, params).keys()


def test_images_need_no_labels():
    settings = configure(LatentSpaceSettings(), widths=(4,), latent=3, support=10, measured=40, geodesic_steps=1)
    splits = {split: {"image": examples["image"]} for split, examples in DIGITS.splits.items()}
    dataset = DIGITS._replace(splits=splits)
    sets, measure, _ = evaluate_whole(settings, dataset)
    found = jax.eval_shape(measure, task(settings, dataset).init(KEY).params, sets, KEY)
    assert "first/psnr" in found
    assert "first/analogy_changed" not in found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"support": 8}, "--support must be greater than --latent 8"),
        ({"support": 300, "stored": 200}, "--stored 200: at most as many"),
        ({"data": "shapes", "binarization": "static"}, "--binarization must be none or stochastic"),
    ],
)
def test_what_cannot_be_measured_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        configure(LatentSpaceSettings(), fields)


def test_too_few_images_are_refused(monkeypatch):
    few = {split: {name: array[:50] for name, array in examples.items()} for split, examples in DIGITS.splits.items()}
    monkeypatch.setattr("experiments.datasets.settings.load", lambda *_, **__: DIGITS._replace(splits=few))
    with pytest.raises(DataError, match="digits has 50 images in split train: expected at least 100"):
        data(LatentSpaceSettings())


@pytest.mark.parametrize("flags", [("--measured", "50"), ("--train-on", "train+valid")])
def test_what_has_no_effect_on_shapes_is_refused(flags):
    with pytest.raises(WrongInput, match=f"{flags[0]} has no effect with --data shapes"):
        parse_flags(EXPERIMENT.settings(), ["--data", "shapes", *flags], prog="lectern run latent_space")
