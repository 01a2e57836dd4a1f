"""Dropout from outside against a net with its masks written out, and its expectation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.dropout import with_dropout
from models.layers.dropout import dropout
from models.mlp import MLPClassifier
from models.vae import conv_vae

NET = MLPClassifier(widths=(6,), classes=3)
IMAGES = jax.random.uniform(jax.random.key(1), (5, 2, 2, 1))
PARAMS = NET.init(jax.random.key(0), IMAGES)
PARAMS = jax.tree.map(lambda leaf: leaf + 0.1, PARAMS)  # the last layer starts at zero
KEYS = jax.random.split(jax.random.key(2), 5)


def test_it_is_the_net_with_its_masks_written_out():
    hidden, output = PARAMS["params"]["MLP_0"]["Dense_0"], PARAMS["params"]["Dense_0"]

    def by_hand(key, image):
        first = dropout(jax.random.fold_in(key, 0), image.reshape(-1), rate=0.2)
        second = dropout(jax.random.fold_in(key, 1), jax.nn.relu(first @ hidden["kernel"] + hidden["bias"]), rate=0.5)
        return second @ output["kernel"] + output["bias"]

    found = with_dropout(NET.apply, rate=0.5, input_rate=0.2)(KEYS, PARAMS, IMAGES)
    np.testing.assert_allclose(found, jax.vmap(by_hand)(KEYS, IMAGES), rtol=1e-5)


def test_without_a_rate_it_is_the_net():
    found = with_dropout(NET.apply, rate=0.0, input_rate=0.0)(KEYS, PARAMS, IMAGES)
    np.testing.assert_array_equal(found, NET.apply(PARAMS, IMAGES))


def test_an_example_draws_from_its_own_key():
    apply = with_dropout(NET.apply, rate=0.5, input_rate=0.0)
    order = jnp.array([3, 1, 4, 0, 2])
    np.testing.assert_allclose(apply(KEYS[order], PARAMS, IMAGES[order]), apply(KEYS, PARAMS, IMAGES)[order], rtol=1e-5)
    assert (apply(KEYS, PARAMS, IMAGES) != NET.apply(PARAMS, IMAGES)).any()


@pytest.mark.parametrize("rows", [1, 3])
def test_convolutions_and_rows_of_several_samples_are_dropped_too(rows):
    model = conv_vae((8, 8, 1), outputs=1, latent=4, channels=(8, 8))
    images = jax.random.uniform(jax.random.key(1), (5, 8, 8, 1))
    params = model.init(jax.random.key(0), images)
    latents = jax.random.normal(jax.random.key(3), (5, rows, 4))
    apply = with_dropout(model.apply, rate=0.5, input_rate=0.0)
    found = apply(KEYS, params, latents, method="decode")
    alone = apply(KEYS[2:3], params, latents[2:3], method="decode")
    np.testing.assert_allclose(found[2:3], alone, rtol=1e-4, atol=1e-5)
    assert (found != model.apply(params, latents, method="decode")).mean() > 0.9
