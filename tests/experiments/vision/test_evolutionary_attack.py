"""One pixel is searched exhaustively beside evolution, and nothing of the classifier is ever derived."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.networks.digit_classifier.classifier import digit_classifier
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure

SMALL = {"population": 24, "examples": 6, "pixels": (1,)}


def settings_of(**fields):
    return configure(load("evolutionary_attack").settings(), SMALL | fields)


def exhaustive(image, label):
    """The least probability of the own class over 64 places and 21 values."""
    classifier = digit_classifier()
    changed = np.repeat(image[None], 64 * 21, axis=0)
    for number, (row, column, value) in enumerate(np.ndindex(8, 8, 21)):
        changed[number, row, column] = value / 20
    return np.asarray(jax.nn.softmax(classifier.logits(classifier.params, jnp.asarray(changed))))[:, label].min()


def test_one_pixel_is_as_good_as_an_exhaustive_search():
    run, params = trained("evolutionary_attack", settings_of(steps=40, population=60))
    examples = run.dataset.whole("test")
    best = [100 * exhaustive(*pair) for pair in zip(examples["image"], examples["label"], strict=True)]
    found = 100 * np.asarray(params["pixels_1"]["scores"][0]).min(axis=1)
    assert (found >= np.array(best) - 3).all()  # a finer value may do a little more
    assert found.mean() <= np.mean(best) + 3
    np.testing.assert_allclose(measured(run, params)["pixels_1/confidence"], found.mean(), rtol=1e-4)


def test_numbers_do_not_depend_on_the_evaluation_batch():
    run, params = trained("evolutionary_attack", settings_of(steps=2, pixels=(2, 1)))
    found = assert_same_at_every_evaluation_batch(run, params)
    assert {"pixels_1/success", "pixels_2/random_success", "held-out pixels_2/confidence"} <= found.keys()


def test_no_gradient_is_taken(monkeypatch):
    known = digit_classifier()

    @jax.custom_jvp
    def logits(params, images):
        return known.logits(params, images)

    @logits.defjvp
    def refuse(primals, tangents):
        raise AssertionError("derived")

    with pytest.raises(AssertionError, match="derived"):
        jax.grad(lambda image: logits(known.params, image).sum())(jnp.zeros((1, 8, 8, 1)))
    monkeypatch.setattr(ClassifierChoice, "load", lambda self, dataset: known._replace(logits=logits))
    run = prepare("evolutionary_attack", "default", settings_of())
    task = run.task()
    state = jax.jit(task.init)(jax.random.key(0))
    after, left = jax.jit(task.step)(state, None)
    assert 0 < left["pixels_1/confidence"] < 100
    assert (after.params["pixels_1"]["scores"] <= state.params["pixels_1"]["scores"]).all()
    assert (after.params["pixels_1"]["scores"] < state.params["pixels_1"]["scores"]).any()


def test_only_images_that_the_classifier_knows_are_attacked():
    run = prepare("evolutionary_attack", "default", settings_of(examples=1000))
    examples, classifier = run.dataset.whole("test"), digit_classifier()
    answers = np.asarray(classifier.logits(classifier.params, jnp.asarray(examples["image"]))).argmax(axis=1)
    np.testing.assert_array_equal(answers, examples["label"])
    assert 240 < len(answers) < 250
    with pytest.raises(ValueError, match="none twice"):
        settings_of(pixels=(1, 1))
