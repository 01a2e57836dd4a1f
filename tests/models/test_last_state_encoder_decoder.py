"""Against Flax's LSTM and GRU, one symbol at a time; step by step as at once; and padding says nothing."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from models.last_state_encoder_decoder import LastStateEncoderDecoder

SOURCE = jnp.asarray([[3, 1, 2, 0, 0], [2, 4, 1, 3, 1]])
BEFORE = jnp.asarray([[0, 1, 4], [0, 3, 2]])
SYMBOLS, UNITS = 5, 3
GATES = "ifgo"


@pytest.fixture(params=["state", "input"])
def net(request, float64):
    model = LastStateEncoderDecoder(SYMBOLS, UNITS, handed=request.param)
    leaves, structure = jax.tree.flatten(model.init(jax.random.key(0), SOURCE, BEFORE))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    draws = [0.7 * jax.random.normal(key, leaf.shape, jnp.float64) for key, leaf in zip(keys, leaves, strict=True)]
    return model, structure.unflatten(draws)


def as_flax(own):
    """A cell's weights under the names that Flax's LSTM has for them."""
    blocks = {name: np.split(np.asarray(own[name]), 4, axis=-1) for name in ("inputs", "recurrent", "bias")}
    inputs = {f"i{gate}": {"kernel": block} for gate, block in zip(GATES, blocks["inputs"], strict=True)}
    recurrent = {
        f"h{gate}": {"kernel": block, "bias": bias}
        for gate, block, bias in zip(GATES, blocks["recurrent"], blocks["bias"], strict=True)
    }
    return {"params": inputs | recurrent}


def by_flax(own, source, before, handed):
    cell = nn.LSTMCell(UNITS, dtype=jnp.float64)
    zero = (jnp.zeros(UNITS), jnp.zeros(UNITS))
    letters, encoder, decoder = np.eye(SYMBOLS), as_flax(own["encoder"]), as_flax(own["decoder"])
    state = zero
    for symbol in source[source != 0]:
        state, code = cell.apply(encoder, state, letters[symbol])
    state = state if handed == "state" else zero
    logits = []
    for symbol in before:
        state, output = cell.apply(decoder, state, letters[symbol] if handed == "state" else code)
        logits.append(output @ own["readout"] + own["readout_bias"])
    return np.array(logits)


def test_its_numbers_are_those_of_flax(net):
    model, params = net
    found = jax.jit(model.apply)(params, SOURCE, BEFORE)
    own = jax.tree.map(np.asarray, params["params"])
    for row in range(2):
        expected = by_flax(own, np.asarray(SOURCE)[row], np.asarray(BEFORE)[row], model.handed)
        np.testing.assert_allclose(found[row], expected, atol=1e-12)


def test_step_by_step_it_is_the_whole(net):
    model, params = net

    @jax.jit
    def both(params):
        writing = model.apply(params, SOURCE, 3, method="begin")
        logits = jax.lax.scan(partial(model.apply, params, method="step"), writing, BEFORE.T)[1]
        return logits.swapaxes(0, 1), model.apply(params, SOURCE, BEFORE)

    stepped, whole = both(params)
    np.testing.assert_allclose(stepped, whole, atol=1e-12)


def test_only_one_that_is_handed_the_state_reads_what_it_wrote(net):
    model, params = net
    other = BEFORE.at[:, 1].set(2)
    first, second = (jax.jit(model.apply)(params, SOURCE, before) for before in (BEFORE, other))
    assert bool((first == second).all()) == (model.handed == "input")
