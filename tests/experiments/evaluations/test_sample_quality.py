"""Quality of samples on the host: in double precision whatever the run's, and with its protocol in words."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from experiments.errors import WrongInput
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.evaluations.sample_quality import (
    UNITS,
    Seen,
    classifier_features,
    protocols,
    sample_quality,
    seen,
    weights_in_words,
)
from experiments.networks.architectures import Architecture
from experiments.networks.digit_classifier.classifier import SHA256, Classifier
from experiments.run.registry import load

RNG = np.random.default_rng(0)
FAR = 300.0
"""How far features are from 0: of their squares single precision keeps nothing of what is measured."""


def example(drawn=30, real=20, size=40):
    images = np.float32(RNG.random((drawn, 4, 4, 1)))
    shape = RNG.normal(size=(size, size)) / size
    features = [np.float32(FAR + RNG.normal(size=(count, size)) @ shape) for count in (drawn, real)]
    return Seen(images, features[0], np.float32(RNG.normal(size=(drawn, 10))), features[1])


def test_it_is_numpys_in_double_precision_below_full_rank():
    of, trained = example(), np.float32(RNG.random((50, 4, 4, 1)))
    labels = np.arange(30) % 10
    found = sample_quality(of, trained=trained, labels=labels)
    drawn, real = (np.float64(each) for each in (of.features, of.real))
    one, other = ((each - each.mean(axis=0)) / np.sqrt(len(each) - 1) for each in (drawn, real))
    shared = np.linalg.svd(one @ other.T, compute_uv=False).sum()  # tr (C_1^½ C_2 C_1^½)^½ without a root
    expected = ((drawn.mean(0) - real.mean(0)) ** 2).sum() + (one**2).sum() + (other**2).sum() - 2 * shared
    np.testing.assert_allclose(found["frechet_distance"], expected, rtol=1e-6)
    radii = np.sort(cdist(real, real), axis=1)[:, 3]
    np.testing.assert_allclose(found["precision"], 100 * (cdist(drawn, real) <= radii).any(axis=1).mean())
    nearest = cdist(of.images.reshape(30, -1), trained.reshape(50, -1)).min(axis=1).mean() / 4
    np.testing.assert_allclose(found["nearest"], nearest, rtol=1e-12)
    assert found["classifier_accuracy"] == 100 * np.mean(of.logits.argmax(axis=1) == labels)
    assert {each.dtype for each in found.values()} == {np.dtype(np.float64)}
    assert "classifier_accuracy" not in sample_quality(of, trained=trained, labels=None)


def test_precision_of_the_run_does_not_leak():
    """After it numbers are single again."""
    sample_quality(example(), trained=np.float32(RNG.random((5, 4, 4, 1))), labels=None)
    assert jnp.ones(2).dtype == jnp.float32


@pytest.mark.parametrize(
    ("settings", "features"),
    [
        ({"architecture": "pattern", "pattern": "CONV 4 -> RELU -> FC"}, 4),
        ({"architecture": "pattern", "pattern": "CONV 4 -> FC 10 -> TANH -> FC"}, 10),
        ({"architecture": "cifar_resnet"}, 64),
        ({"architecture": "inception"}, 80),
    ],
    ids=["no hidden FC", "hidden FC of as many", "resnet", "inception"],
)
def test_every_net_shows_something_before_its_logits(settings, features):
    network = Architecture(**settings).classifier(10, 0)
    images = jnp.asarray(RNG.random((3, 8, 8, 1)), jnp.float32)
    params = jax.jit(network.init)(jax.random.key(0), images)
    classifier = Classifier(network.apply, params, (8, 8, 1), 10, "net", network)
    found, logits = jax.jit(partial(classifier_features, classifier))(params, images)
    assert found.shape == (3, features)
    np.testing.assert_allclose(logits, network.apply(params, images), rtol=1e-5, atol=1e-6)


def test_a_set_is_no_distance_from_itself():
    of = example(drawn=20)
    found = sample_quality(of._replace(real=of.features), trained=of.images, labels=None)
    assert found["frechet_distance"] == pytest.approx(0, abs=1e-7)
    assert (found["precision"], found["recall"], found["nearest"]) == (100, 100, 0)


def test_real_digits_are_judged_and_the_protocol_says_by_whom():
    dataset = load("diffusion_digits").data(load("diffusion_digits").settings())
    classifier, real = ClassifierChoice().load(dataset), dataset.head("test", 50)
    features = jax.jit(lambda judge, images: seen(classifier, judge, images, images[:20]))
    of = jax.device_get(features(classifier.params, real["image"]))
    assert (of.features.shape, of.real.shape) == ((50, 84), (20, 84))
    found = sample_quality(of, trained=dataset.head("train", 100)["image"], labels=real["label"])
    assert found["classifier_accuracy"] > 95
    assert found["recall"] == 100
    told = protocols(50, classifier, dataset, weights=weights_in_words(0.99), labelled=True)
    assert told.keys() == UNITS.keys()
    for part in ("50 samples of averaged weights (decay 0.99)", "250 test images", f"sha256:{SHA256[:12]}", "float64"):
        assert part in told["frechet_distance"]
    assert told["nearest"] == "50 samples of averaged weights (decay 0.99); beside 1,297 training images"
    assert weights_in_words(0.0) == "trained weights"
    with pytest.raises(WrongInput, match="shows no features"):
        seen(classifier._replace(network=None), classifier.params, real["image"], real["image"])
