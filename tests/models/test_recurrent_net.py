"""The network against its cells run by hand, one layer and one direction at a time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.dropout import with_dropout
from models.layers.recurrence import recur, reverse
from models.layers.recurrent_cells import RecurrentWeights
from models.recurrent_net import KINDS, RecurrentNet

INPUTS = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 3)), jnp.float32)


def applied(model, inputs=INPUTS, **given):
    params = jax.jit(model.init)(jax.random.key(0), inputs)
    return params["params"], jax.jit(partial(model.apply, **given))(params, inputs)


def zeros(kind, units=4, batch=2):
    return tuple(jnp.zeros((batch, units)) for _ in range(kind.states))


@pytest.mark.parametrize("cell", KINDS)
def test_each_cell_is_read_at_the_last_place(cell):
    kind = KINDS[cell]
    params, seen = applied(RecurrentNet(2, cell, units=4))
    _, outputs = recur(kind.cell, RecurrentWeights(**params["layer_0"]), zeros(kind), INPUTS.swapaxes(0, 1))
    np.testing.assert_allclose(seen["hidden"], outputs.swapaxes(0, 1), rtol=1e-5, atol=1e-6)
    expected = outputs[-1] @ params["readout"] + params["readout_bias"]
    np.testing.assert_allclose(seen["outputs"], expected, rtol=1e-5, atol=1e-6)


def test_two_layers_both_ways_are_four_recurrences():
    params, seen = applied(RecurrentNet(2, "gru", units=4, layers=2, both_ways=True, read="every"))
    run = partial(recur, KINDS["gru"].cell)
    hidden = INPUTS.swapaxes(0, 1)
    for layer in ("layer_0", "layer_1"):
        weights = [RecurrentWeights(**params[name]) for name in (layer, f"{layer}_back")]
        ways = zip((run, reverse(run)), weights, strict=True)
        hidden = jnp.concatenate([way(own, zeros(KINDS["gru"]), hidden)[1] for way, own in ways], axis=-1)
    expected = hidden.swapaxes(0, 1) @ params["readout"] + params["readout_bias"]
    np.testing.assert_allclose(seen["outputs"], expected, rtol=1e-5, atol=1e-6)


def test_where_it_begins():
    keys = jax.random.split(jax.random.key(1), 2)
    for cell, initial in (("gru", "learned"), ("lstm", "sampled")):
        model = RecurrentNet(2, cell, units=4, initial=initial)
        params = jax.jit(model.init)(jax.random.key(0), INPUTS)
        zero = jax.jit(partial(RecurrentNet(2, cell, units=4).apply))
        np.testing.assert_array_equal(
            jax.jit(model.apply)(params, INPUTS)["outputs"],
            zero({"params": {k: v for k, v in params["params"].items() if k != "initial"}}, INPUTS)["outputs"],
        )
        if initial == "learned":
            slope = jax.jit(jax.grad(lambda p, m=model: m.apply(p, INPUTS)["outputs"].sum()))(params)
            assert np.abs(slope["params"]["initial"]).min() > 0
        else:
            drawn = jax.jit(model.apply)(params, INPUTS, None, None, keys)["outputs"]
            state = jax.vmap(lambda key: jax.random.normal(key, (1, 1, 2, 4)))(keys)
            given = ((state[:, 0, 0, 0], state[:, 0, 0, 1]),)
            np.testing.assert_array_equal(drawn, jax.jit(model.apply)(params, INPUTS, None, given)["outputs"])


def test_it_goes_on_from_the_state_in_which_it_ended():
    model = RecurrentNet(2, "lstm", units=4, layers=2, read="every", symbols=6)
    symbols = jnp.asarray([[1, 0, 5, 2], [3, 3, 4, 0]])
    params = jax.jit(model.init)(jax.random.key(0), symbols)
    first = model.apply(params, symbols[:, :2])
    second = model.apply(params, symbols[:, 2:], state=first["state"])
    together = jnp.concatenate([first["outputs"], second["outputs"]], axis=1)
    np.testing.assert_allclose(together, model.apply(params, symbols)["outputs"], rtol=1e-5, atol=1e-6)


def test_an_irnn_begins_as_an_accumulator():
    params, _ = applied(RecurrentNet(1, "irnn", units=4))
    np.testing.assert_array_equal(params["layer_0"]["recurrent"], np.eye(4))
    assert np.abs(params["layer_0"]["inputs"]).max() < 0.01


def test_dropout_stands_between_layers_and_not_between_places():
    """With one layer, hidden states are those without dropout, but for what is dropped on the way out."""
    model = RecurrentNet(2, "gru", units=4, read="every", dropout=0.5)
    params = jax.jit(model.init)(jax.random.key(0), INPUTS)
    noisy = with_dropout(model.apply, rate=0.0, input_rate=0.0)(jax.random.split(jax.random.key(1), 2), params, INPUTS)
    plain = model.apply(params, INPUTS)
    kept = np.asarray(noisy["hidden"]) != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(noisy["hidden"], np.where(kept, 2 * plain["hidden"], 0), rtol=1e-5)
    np.testing.assert_array_equal(noisy["state"][0][0], plain["state"][0][0])
