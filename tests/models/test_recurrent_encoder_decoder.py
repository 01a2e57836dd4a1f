"""Against the equations written out in NumPy, one pair and one place at a time; and step by step as at once."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.feature_maps import SHOWN
from models.recurrent_encoder_decoder import RecurrentEncoderDecoder

SOURCE = jnp.asarray([[3, 1, 2, 0, 0], [2, 4, 1, 3, 1]])
BEFORE = jnp.asarray([[0, 1, 4], [0, 3, 2]])
UNITS = 3


@pytest.fixture(params=["none", "dot", "scaled", "additive", "additive_single", "projected"])
def net(request, float64):
    model = RecurrentEncoderDecoder(symbols=5, units=UNITS, score=request.param)
    leaves, structure = jax.tree.flatten(model.init(jax.random.key(0), SOURCE, BEFORE))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    draws = [0.7 * jax.random.normal(key, leaf.shape, jnp.float64) for key, leaf in zip(keys, leaves, strict=True)]
    return model, structure.unflatten(draws)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def unit(own, hidden, inputs):
    """Cho et al.'s: z keeps, r resets before the product."""
    projected = inputs @ own["inputs"] + own["bias"]
    gates = sigmoid(projected[: 2 * UNITS] + hidden @ own["recurrent"][:, : 2 * UNITS])
    reset, update = gates[:UNITS], gates[UNITS:]
    candidate = np.tanh(projected[2 * UNITS :] + (reset * hidden) @ own["recurrent"][:, 2 * UNITS :])
    return update * hidden + (1 - update) * candidate


def score_of(name, own, query, key):
    match name:
        case "dot":
            return query @ key
        case "scaled":
            return query @ key / np.sqrt(UNITS)
        case "additive":
            return np.tanh(query @ own["query"] + key @ own["key"]) @ own["combination"]
        case "additive_single":
            return np.tanh(query @ own["query"] + key @ own["key"])[0]
        case "projected":
            return (query @ own["query"]) @ (key @ own["key"]) / np.sqrt(UNITS)


def by_hand(own, source, before, score):
    source = source[source != 0]
    forward, backward = [np.zeros(UNITS)], [np.zeros(UNITS)]
    for symbol in source:
        forward.append(unit(own["forward"], forward[-1], own["table"][symbol]))
    for symbol in source[::-1]:
        backward.append(unit(own["backward"], backward[-1], own["table"][symbol]))
    both = [np.concatenate(pair) for pair in zip(forward[1:], backward[:0:-1], strict=True)]
    encoded = np.array(both) @ own["source"]["kernel"] + own["source"]["bias"]
    ends = np.concatenate([forward[-1], backward[-1]])
    hidden = context = np.tanh(ends @ own["ends"]["kernel"] + own["ends"]["bias"])
    logits, weights = [], []
    for symbol in before:
        if score != "none":
            scores = np.exp([score_of(score, own, hidden, key) for key in encoded])
            weights.append(scores / scores.sum())
            context = weights[-1] @ encoded
        hidden = unit(own["decoder"], hidden, np.concatenate([own["table"][symbol], context]))
        logits.append(np.concatenate([hidden, context]) @ own["readout"] + own["readout_bias"])
    return np.array(logits), np.array(weights)


def test_its_numbers_are_those_of_the_equations(net):
    model, params = net
    found, state = jax.jit(lambda params: model.apply(params, SOURCE, BEFORE, mutable=[SHOWN]))(params)
    own = jax.tree.map(np.asarray, params["params"])
    for row in range(2):
        source = np.asarray(SOURCE)[row]
        logits, weights = by_hand(own, source, np.asarray(BEFORE)[row], model.score)
        np.testing.assert_allclose(found[row], logits, atol=1e-12)
        if model.score != "none":
            length = (source != 0).sum()
            np.testing.assert_allclose(state[SHOWN]["weights"][row, :, :length], weights, atol=1e-12)
            assert (state[SHOWN]["weights"][row, :, length:] == 0).all()


def test_step_by_step_it_is_the_whole(net):
    model, params = net

    @jax.jit
    def both(params):
        state = model.apply(params, SOURCE, 3, method="begin")
        logits = jax.lax.scan(partial(model.apply, params, method="step"), state, BEFORE.T)[1]
        return logits.swapaxes(0, 1), model.apply(params, SOURCE, BEFORE)

    stepped, whole = both(params)
    np.testing.assert_allclose(stepped, whole, atol=1e-12)
