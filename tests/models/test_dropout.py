"""Dropout from outside against a net with its masks written out, and its expectation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from programs import jit_of_draws

from models.dropout import Dropout, with_dropout
from models.layers.dropout import dropout
from models.mlp import MLPClassifier
from models.vae import conv_vae

NET = MLPClassifier(widths=(6,), classes=3)
RNG = np.random.default_rng(0)
IMAGES = jnp.asarray(RNG.uniform(size=(5, 2, 2, 1)).astype(np.float32))


@pytest.fixture(scope="module")
def params():
    drawn = jit_of_draws(NET.init)(jax.random.key(0), IMAGES)
    return jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.1), drawn)  # the last layer starts at zero


@pytest.fixture(scope="module")
def keys():
    return jax.random.split(jax.random.key(2), 5)


def test_it_is_the_net_with_its_masks_written_out(params, keys):
    hidden, output = params["params"]["MLP_0"]["Dense_0"], params["params"]["Dense_0"]

    def by_hand(key, image):
        first = dropout(jax.random.fold_in(key, 0), image.reshape(-1), rate=0.2)
        second = dropout(jax.random.fold_in(key, 1), jax.nn.relu(first @ hidden["kernel"] + hidden["bias"]), rate=0.5)
        return second @ output["kernel"] + output["bias"]

    found = jit_of_draws(with_dropout(NET.apply, rate=0.5, input_rate=0.2))(keys, params, IMAGES)
    np.testing.assert_allclose(found, jit_of_draws(jax.vmap(by_hand))(keys, IMAGES), rtol=1e-5)


def test_without_a_rate_it_is_the_net(params, keys):
    found = jit_of_draws(with_dropout(NET.apply, rate=0.0, input_rate=0.0))(keys, params, IMAGES)
    np.testing.assert_array_equal(found, jax.jit(NET.apply)(params, IMAGES))


def test_an_example_draws_from_its_own_key(params, keys):
    apply = jit_of_draws(with_dropout(NET.apply, rate=0.5, input_rate=0.0))
    order = np.array([3, 1, 4, 0, 2])
    found = np.asarray(apply(keys, params, IMAGES))
    np.testing.assert_allclose(apply(keys[order], params, IMAGES[order]), found[order], rtol=1e-5)
    assert (found != np.asarray(jax.jit(NET.apply)(params, IMAGES))).any()


@pytest.mark.parametrize("rows", [1, 3])
def test_convolutions_and_rows_of_several_samples_are_dropped_too(rows, keys):
    model = conv_vae((8, 8, 1), outputs=1, latent=4, channels=(8, 8))
    params = jit_of_draws(model.init)(jax.random.key(0), np.zeros((1, 8, 8, 1), np.float32))
    latents = RNG.normal(size=(5, rows, 4)).astype(np.float32)
    decode = partial(model.apply, method="decode")
    apply = jit_of_draws(with_dropout(decode, rate=0.5, input_rate=0.0))
    found, apart = (np.asarray(apply(keys[part], params, latents[part])) for part in (slice(5), slice(2, 4)))
    np.testing.assert_allclose(found[2:4], apart, rtol=1e-4, atol=1e-5)
    assert (found != np.asarray(jax.jit(decode)(params, latents))).mean() > 0.9


def test_a_place_in_the_network_has_its_own_rate(keys):
    """The layers are left whole; where the network says so, each example loses by its own key."""

    class Net(nn.Module):
        @nn.compact
        def __call__(self, features):
            return nn.Dense(400, kernel_init=nn.initializers.ones)(Dropout(0.25)(nn.Dense(400)(features)))[:, 0]

    net, features = Net(), jnp.ones((5, 3))
    params = jit_of_draws(net.init)(jax.random.key(0), features)
    params = jax.tree.map(jnp.ones_like, params)
    apply = jit_of_draws(with_dropout(net.apply, rate=0.0, input_rate=0.0))
    found = np.asarray(apply(keys, params, features)) - 1
    kept = found / (4 / 0.75)
    np.testing.assert_allclose(kept, np.round(kept), atol=1e-3)
    assert ((kept > 250) & (kept < 350)).all()
    assert len({*kept.round()}) > 1
    np.testing.assert_array_equal(jax.jit(net.apply)(params, features), 1601.0)
