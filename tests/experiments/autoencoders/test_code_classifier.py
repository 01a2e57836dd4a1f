"""A code is learnt without labels, and each classifier is softmax regression of what it sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.code_classifier.experiment import (
    EXPERIMENT,
    CodeClassifierSettings,
    features,
    seen_network,
    task,
)
from experiments.cli.flags import replace
from experiments.foundations import mlp
from experiments.run import runner
from experiments.run.registry import load
from train.task import supervised

SMALL = CodeClassifierSettings(latent=20, keep=4, batch_size=16, steps=5, optimizer="momentum", learning_rate=0.01)
DIGITS = SMALL.load()


def batches(labels):
    rows = np.random.default_rng(0).integers(0, len(labels), size=(SMALL.steps, SMALL.batch_size))
    examples = DIGITS.splits["train"] | {"label": labels}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), examples)


def last_params(made, data):
    return jax.jit(lambda state, given: jax.lax.scan(made.step, state, given)[0])(
        made.init(jax.random.key(0)), data
    ).params


def test_the_labels_have_no_part_in_the_code():
    labels = DIGITS.splits["train"]["label"]
    right, wrong = (last_params(task(SMALL, DIGITS), batches(each)) for each in (labels, labels[::-1]))
    jax.tree.map(np.testing.assert_array_equal, right["autoencoder"], wrong["autoencoder"])
    for name in ("code", "random", "pixels"):
        kernels = [params["classifiers"][name]["params"]["Dense_0"]["kernel"] for params in (right, wrong)]
        assert np.abs(np.subtract(*kernels)).max() > 1e-3


def test_the_classifier_of_pixels_is_softmax_regression():
    """It ends where the same regression ends that is trained by itself, from the same weights."""
    data = batches(DIGITS.splits["train"]["label"])
    made = task(SMALL, DIGITS)
    start = made.init(jax.random.key(0)).params["classifiers"]["pixels"]
    alone = supervised(
        mlp.monitor(mlp.MLPSettings(widths=()), DIGITS), lambda key: start, mlp.make_optimizer(SMALL, SMALL.steps)
    )
    expected, found = last_params(alone, data), last_params(made, data)["classifiers"]["pixels"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


@pytest.mark.parametrize(("classified_keep", "stay"), [(0, SMALL.keep), (9, 9)])
def test_features_are_codes_with_k_numbers_and_the_pixels(classified_keep, stay):
    settings = replace(SMALL, code_activation="linear", classified_keep=classified_keep)
    model, images = seen_network(settings, DIGITS), jnp.asarray(DIGITS.head("test", 10)["image"])
    params = model.init(jax.random.key(1), images)
    seen = features(model, params, images)
    np.testing.assert_array_equal(seen["pixels"], images.reshape(10, -1))
    weights = params["params"]["encoder"]["head"]["linear"]
    linear = np.asarray(images.reshape(10, -1) @ weights["kernel"] + weights["bias"])
    smallest = np.sort(np.abs(linear), axis=1)[:, -stay]
    expected = np.where(np.abs(linear) >= smallest[:, None], linear, 0)
    np.testing.assert_allclose(seen["code"], expected, rtol=1e-5, atol=1e-6)
    assert np.abs(seen["random"] - seen["code"]).max() > 0.1


@pytest.mark.usefixtures("numbers_alone")
def test_a_learnt_code_is_a_better_feature_than_a_random_one(tmp_path):
    """Of few numbers, so that random ones do not do as well."""
    fields = EXPERIMENT.presets["default"] | {"latent": 48, "keep": 8, "steps": 1500}
    settings = replace(CodeClassifierSettings(), **fields)
    settings = replace(settings, evaluate_every=settings.steps, save_every=settings.steps)
    run = runner.Run("code_classifier", "default", load("code_classifier"), settings, settings.load())
    measured = {name: each["mean"] for name, each in runner.start(run, tmp_path / "run")["metrics"].items()}
    assert measured["error/code"] < 0.75 * measured["error/random"]
