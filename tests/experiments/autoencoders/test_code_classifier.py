"""A code is learnt without labels, and each classifier is softmax regression of what it sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import measured, trained

from experiments.autoencoders.code_classifier.experiment import EXPERIMENT, CodeClassifierSettings, features, task
from experiments.foundations.mlp.experiment import MLPSettings
from experiments.foundations.mlp.experiment import monitor as softmax_loss
from experiments.run.settings import configure
from train.optimizers import make_optimizer
from train.task import supervised

SMALL = configure(
    CodeClassifierSettings(), latent=20, keep=4, batch_size=16, steps=5, optimizer="momentum", learning_rate=0.01
)
DIGITS = SMALL.images.load()
TASK = task(SMALL, DIGITS)


def batches(labels):
    shape = (SMALL.loop.steps, SMALL.loop.batch_size)
    rows = np.random.default_rng(0).integers(0, len(labels), size=shape)
    examples = DIGITS.splits["train"] | {"label": labels}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), examples)


@jax.jit
def last_params(data):
    return jax.lax.scan(TASK.step, TASK.init(jax.random.key(0)), data)[0].params


def test_the_labels_have_no_part_in_the_code():
    labels = DIGITS.splits["train"]["label"]
    right, wrong = (last_params(batches(each)) for each in (labels, labels[::-1]))
    jax.tree.map(np.testing.assert_array_equal, right["autoencoder"], wrong["autoencoder"])
    for name in ("code", "random", "pixels"):
        kernels = [params["classifiers"][name]["params"]["Dense_0"]["kernel"] for params in (right, wrong)]
        assert np.abs(np.subtract(*kernels)).max() > 1e-3


def test_the_classifier_of_pixels_is_softmax_regression():
    """It ends where the same regression ends that is trained by itself, from the same weights."""
    data = batches(DIGITS.splits["train"]["label"])
    start = TASK.init(jax.random.key(0)).params["classifiers"]["pixels"]
    alone = supervised(
        softmax_loss(configure(MLPSettings(), widths=()), DIGITS),
        lambda key: start,
        make_optimizer(SMALL.optimization, SMALL.loop.steps),
    )
    expected = jax.jit(lambda: jax.lax.scan(alone.step, alone.init(jax.random.key(0)), data)[0].params)()
    found = last_params(data)["classifiers"]["pixels"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


def test_a_step_draws_no_weights():
    """Those of the random features are drawn once: no step of this experiment needs a random number."""
    state = jax.eval_shape(TASK.init, jax.random.key(0))
    data = jax.tree.map(lambda leaf: leaf[0], batches(DIGITS.splits["train"]["label"]))
    assert "random_bits" in str(jax.make_jaxpr(TASK.init)(jax.random.key(0)))
    assert "random_bits" not in str(jax.make_jaxpr(TASK.step)(state, data))


@pytest.mark.parametrize(("classified_keep", "stay"), [(0, SMALL.architecture.keep), (9, 9)])
def test_features_are_codes_with_k_numbers_and_the_pixels(classified_keep, stay):
    settings = configure(SMALL, code_activation="linear", classified_keep=classified_keep)
    images = jnp.asarray(DIGITS.head("test", 10)["image"])
    params = settings.architecture.build(DIGITS).network.init(jax.random.key(1), images)
    seen = features(settings, DIGITS)(params, images)
    np.testing.assert_array_equal(seen["pixels"], images.reshape(10, -1))
    weights = params["params"]["encoder"]["head"]["linear"]
    linear = np.asarray(images.reshape(10, -1) @ weights["kernel"] + weights["bias"])
    smallest = np.sort(np.abs(linear), axis=1)[:, -stay]
    expected = np.where(np.abs(linear) >= smallest[:, None], linear, 0)
    np.testing.assert_allclose(seen["code"], expected, rtol=1e-5, atol=1e-6)
    assert np.abs(seen["random"] - seen["code"]).max() > 0.1


def test_a_learnt_code_is_a_better_feature_than_a_random_one():
    """Of few numbers, so that random ones do not do as well."""
    fields = EXPERIMENT.card.all_presets["default"] | {"latent": 48, "keep": 8, "steps": 1500}
    found = measured(*trained("code_classifier", configure(CodeClassifierSettings(), fields)))
    assert found["code/error"] < 0.75 * found["random/error"]


def test_the_classifier_cannot_see_more_numbers_than_there_are():
    with pytest.raises(ValueError, match="--classified-keep must be at most --latent 20, got 21"):
        configure(SMALL, classified_keep=21)
