"""The encoder–decoder: what must not matter, attention to the source by a loop, step by step as at once."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.encoder_decoder import Encoder, EncoderDecoder
from models.feature_maps import SHOWN
from models.transformer import CrossAttention, Shape

SHAPE = Shape(2, heads=2, width=6, hidden=5, activation="relu")
SOURCE = jnp.asarray([[3, 1, 2, 4, 0, 0], [2, 2, 1, 3, 4, 1]])
BEFORE = jnp.asarray([[0, 1, 4, 2], [0, 3, 3, 1]])


def drawn(model, *given):
    """Parameters large enough that nothing is nearly uniform."""
    leaves, structure = jax.tree.flatten(model.init(jax.random.key(0), *given))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    draws = [0.7 * jax.random.normal(key, leaf.shape, jnp.float64) for key, leaf in zip(keys, leaves, strict=True)]
    return structure.unflatten(draws)


@pytest.fixture
def net(float64):
    model = EncoderDecoder(symbols=5, shape=SHAPE)
    return model, drawn(model, SOURCE, BEFORE), jax.jit(model.apply)


def test_padding_and_later_symbols_do_not_matter(net):
    _, params, apply = net
    whole = apply(params, SOURCE, BEFORE)
    longer = apply(params, jnp.pad(SOURCE, ((0, 0), (0, 3))), BEFORE)
    np.testing.assert_allclose(longer, whole, atol=1e-12)
    later = apply(params, SOURCE, BEFORE.at[:, 2].set(2))
    np.testing.assert_array_equal(later[:, :2], whole[:, :2])
    assert (np.abs(later - whole)[:, 2:].max(-1) > 1e-6).all()
    other = apply(params, SOURCE.at[:, 2].set(1).at[1, 2].set(4), BEFORE)
    assert (np.abs(other - whole).max(-1) > 1e-6).all()


def test_step_by_step_it_is_the_whole(net):
    model, params, apply = net

    @jax.jit
    def stepped(params):
        state = model.apply(params, SOURCE, 4, method="begin")
        return jax.lax.scan(partial(model.apply, params, method="step"), state, BEFORE.T)[1]

    np.testing.assert_allclose(stepped(params).swapaxes(0, 1), apply(params, SOURCE, BEFORE), atol=1e-9)


def test_attention_to_a_source_is_the_loop_over_places_and_heads(float64):
    rng = np.random.default_rng(0)
    features, source = (jnp.asarray(rng.normal(size=size)) for size in ((3, 6), (4, 6)))
    model, mask = CrossAttention(SHAPE), jnp.asarray([[True, True, False, True]])
    params = drawn(model, features.astype(jnp.float32), source.astype(jnp.float32), mask)
    found, state = model.apply(params, features, source, mask, mutable=[SHOWN])
    own = jax.tree.map(np.asarray, params["params"])
    queries = np.asarray(features) @ own["Dense_0"]["kernel"] + own["Dense_0"]["bias"]
    keys_values = np.asarray(source) @ own["Dense_1"]["kernel"] + own["Dense_1"]["bias"]
    mixed, weights = np.zeros((3, 6)), np.zeros((2, 3, 4))
    for head in range(2):
        part = slice(3 * head, 3 * head + 3)
        keys, values = keys_values[:, part], keys_values[:, 6:][:, part]
        for place in range(3):
            scores = np.exp(queries[place, part] @ keys.T / np.sqrt(3)) * [1, 1, 0, 1]
            weights[head, place] = scores / scores.sum()
            mixed[place, part] = weights[head, place] @ values
    np.testing.assert_allclose(found, mixed @ own["Dense_2"]["kernel"] + own["Dense_2"]["bias"], atol=1e-12)
    np.testing.assert_allclose(state[SHOWN]["weights"], weights, atol=1e-12)


def test_an_encoder_sees_all_places_but_padding(float64):
    model = Encoder(symbols=5, outputs=3, shape=SHAPE)
    params, apply = drawn(model, SOURCE), jax.jit(model.apply)
    whole = apply(params, SOURCE)
    first = apply(params, SOURCE.at[:, 0].set(1))
    assert (np.abs(first - whole)[1].max(-1) > 1e-6).all()
    longer = apply(params, jnp.pad(SOURCE, ((0, 0), (0, 2))))
    np.testing.assert_allclose(longer[:, :6], whole, atol=1e-12)
