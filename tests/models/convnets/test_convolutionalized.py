"""At its own size the fully convolutional net is the classifier; on larger images it is the classifier of each crop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.networks.digit_classifier.classifier import digit_classifier
from models.convnets.convolutionalized import fully_convolutional, of_any_size
from models.convnets.pattern_net import pattern_net
from models.feature_maps import feature_maps
from models.standardized import Standardized


def test_the_shipped_lenet_gives_identical_answers():
    classifier = digit_classifier()
    images = jax.random.uniform(jax.random.key(0), (5, 8, 8, 1))
    net = fully_convolutional(classifier.network, (8, 8, 1))
    maps = net.apply(classifier.params, images)
    assert maps.shape == (5, 1, 1, 10)
    np.testing.assert_allclose(maps[:, 0, 0], classifier.logits(classifier.params, images), atol=1e-5)


def test_what_it_shows_of_an_image_of_its_own_size_is_what_the_classifier_shows():
    classifier, images = digit_classifier(), jax.random.uniform(jax.random.key(0), (2, 8, 8, 1))
    net = fully_convolutional(classifier.network, (8, 8, 1))
    shown, expected = (feature_maps(each, classifier.params, images) for each in (net, classifier.network))
    assert list(shown) == list(expected)
    for name, features in expected.items():
        np.testing.assert_allclose(shown[name].reshape(features.shape), features, atol=1e-5, err_msg=name)


def test_every_place_of_a_larger_image_is_a_crop(float64):
    """Of a net without padding: place (i, j) is the classifier of the window at the product of the strides."""
    net = pattern_net("CONV 3 padding 0 → RELU → POOL → CONV 4 2x2 padding 0 → TANH → FC 6 → RELU → FC", classes=5)
    images = jax.random.uniform(jax.random.key(0), (2, 14, 18, 2), float)
    params = net.init(jax.random.key(1), images[:, :8, :8].astype(jnp.float32))
    params = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(leaf.size), leaf.shape, float), params)
    maps = fully_convolutional(net, (8, 8, 2)).apply(params, images)
    assert maps.shape == (2, 4, 6, 5)
    for i, j in np.ndindex(4, 6):
        crop = images[:, 2 * i : 2 * i + 8, 2 * j : 2 * j + 8]
        np.testing.assert_allclose(maps[:, i, j], net.apply(params, crop), rtol=1e-9)


def test_its_own_parameters_are_the_classifiers():
    net, example = pattern_net("CONV 2 → RELU → POOL → FC", classes=3), jnp.zeros((1, 8, 8, 1))
    shapes = [
        jax.tree.map(jnp.shape, each.init(jax.random.key(0), example))
        for each in (net, fully_convolutional(net, (8, 8, 1)))
    ]
    assert shapes[0] == shapes[1]


def test_a_net_that_pools_everything_is_refused():
    net = pattern_net("CONV 2 → RELU → POOL average all → FC", classes=3)
    with pytest.raises(ValueError, match="pools everything"):
        fully_convolutional(net, (8, 8, 1)).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))


def test_up_to_a_layer_it_takes_images_that_are_too_small_for_the_rest():
    net = pattern_net("CONV 2 → RELU → POOL → CONV 3 → RELU → FC 5 → RELU → FC", classes=3)
    params, image = (
        net.init(jax.random.key(0), jnp.zeros((1, 16, 16, 1))),
        jax.random.uniform(jax.random.key(1), (1, 6, 10, 1)),
    )
    maps = fully_convolutional(net, (16, 16, 1), last="relu2").apply(params, image)
    assert maps.shape == (1, 3, 5, 3)
    with pytest.raises((ValueError, TypeError)):
        fully_convolutional(net, (16, 16, 1)).apply(params, image)


@pytest.mark.parametrize("pattern", ["CONV 2 → RELU → POOL → FC", "CONV 2 → RELU → POOL average all → FC"])
@pytest.mark.parametrize("standardized", [False, True])
def test_of_any_size_is_the_net_at_its_own_size(pattern, standardized):
    net = pattern_net(pattern, classes=3)
    net = Standardized(net, (0.4,), (0.2,)) if standardized else net
    images = jax.random.uniform(jax.random.key(0), (2, 8, 8, 1))
    params = net.init(jax.random.key(1), images)
    anywhere = of_any_size(net, (8, 8, 1))
    np.testing.assert_allclose(anywhere.apply(params, images).reshape(2, 3), net.apply(params, images), atol=1e-5)
    shown = feature_maps(anywhere, params, jnp.zeros((1, 13, 10, 1)))
    assert list(shown) == list(feature_maps(net, params, images))
    assert shown["conv1"].shape == (1, 13, 10, 2)
