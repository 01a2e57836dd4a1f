"""Standardisation in front of a network changes what it sees, and nothing else of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.convnets.pattern_net import pattern_net
from models.feature_maps import feature_maps
from models.standardized import PIXELS, Standardized

IMAGES = np.random.default_rng(0).uniform(size=(4, 4, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("name", PIXELS)
def test_it_is_the_network_of_standardised_images(name):
    network = pattern_net("CONV 4 → BN → RELU → FC", 2)
    model = Standardized(network, *PIXELS[name])

    @jax.jit
    def both(images, seen):
        variables = network.init(jax.random.key(0), seen)
        options = dict(training=True, mutable=["batch_stats"])
        return (
            (variables, model.init(jax.random.key(0), images)),
            (network.apply(variables, seen, **options), model.apply(variables, images, **options)),
            (feature_maps(network, variables, seen), feature_maps(model, variables, images)),
        )

    mean, deviation = map(np.array, PIXELS[name])
    seen = ((IMAGES - mean) / deviation).astype(np.float32)
    for ours, theirs in both(jnp.asarray(IMAGES), jnp.asarray(seen)):
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), ours, theirs)
