"""What must hold of it: the answer is that of an encoder written out, and of patches and positions only together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.image_transformer import ImageTransformer
from models.transformer import Shape

SHAPE = Shape(1, heads=1, width=4, hidden=3, activation="relu")


@pytest.fixture
def net(float64):
    model = ImageTransformer(3, SHAPE)
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 1)))
    leaves, structure = jax.tree.flatten(model.init(jax.random.key(0), images.astype(jnp.float32)))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    draws = [0.7 * jax.random.normal(key, leaf.shape, jnp.float64) for key, leaf in zip(keys, leaves, strict=True)]
    return model, structure.unflatten(draws), images


def normalized(own, x):
    x = x - x.mean(axis=-1, keepdims=True)
    return own["scale"] * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) + own["bias"]


def layer(own, x):
    return x @ own["kernel"] + own["bias"]


def by_hand(own, image):
    patches = [image[y : y + 2, x : x + 2].ravel() for y in (0, 2) for x in (0, 2)]
    features = np.vstack([own["answer"], layer(own["Dense_0"], np.array(patches))]) + own["positions"]
    block = own["stack"]["blocks_0"]
    seen = normalized(block["norms_0"], features)
    queries, keys, values = np.split(layer(block["attention"]["query_key_value"], seen), 3, axis=1)
    scores = np.exp(queries @ keys.T / 2)
    features = features + layer(block["attention"]["output"], scores / scores.sum(axis=1, keepdims=True) @ values)
    hidden = np.maximum(layer(block["feed_forward"]["Dense_0"], normalized(block["norms_1"], features)), 0)
    features = features + layer(block["feed_forward"]["Dense_1"], hidden)
    return layer(own["readout"], normalized(own["stack"]["norm"], features)[0])


def test_its_logits_are_the_equations(net):
    model, params, images = net
    own = jax.tree.map(np.asarray, params["params"])
    expected = [by_hand(own, np.asarray(image)) for image in images]
    np.testing.assert_allclose(jax.jit(model.apply)(params, images), expected, atol=1e-10)


def test_patches_are_told_apart_by_their_positions_alone(net):
    """Two patches exchanged with their positions change nothing; without, they do."""
    model, params, images = net
    exchanged = images.at[:, :2, :2].set(images[:, :2, 2:]).at[:, :2, 2:].set(images[:, :2, :2])
    positions = params["params"]["positions"]
    moved = {"params": params["params"] | {"positions": positions[jnp.array([0, 2, 1, 3, 4])]}}
    apply = jax.jit(model.apply)
    np.testing.assert_allclose(apply(moved, exchanged), apply(params, images), atol=1e-12)
    assert np.abs(apply(params, exchanged) - apply(params, images)).max() > 1e-3
