"""Greedy decoding of a decoder whose logits are known."""

import jax.numpy as jnp
import numpy as np
from cases import Case

from models.greedy import decode_greedily


def step(state, before):
    """A decoder whose logits turn their signs at each step."""
    return state * -1, state


CASES = {
    decode_greedily: Case(
        lambda rng: (step, rng.normal(size=(2, 3)), np.zeros(2, np.int32)),
        options={"places": 3},
        constant_almost_everywhere=True,
    )
}


def test_it_takes_the_first_of_the_likeliest():
    state = jnp.asarray([[0.0, 2.0, 2.0], [1.0, 0.0, 3.0]])
    assert decode_greedily(step, state, jnp.zeros(2, jnp.int32), places=3).tolist() == [[1, 0, 1], [2, 1, 2]]


def test_what_was_written_is_read_next():
    """A decoder that writes the number after the one before, from 4 on."""

    def count(state, before):
        return state, (jnp.arange(9) == before[:, None] + 1).astype(jnp.float32)

    assert decode_greedily(count, (), jnp.asarray([4, 0], jnp.int32), places=3).tolist() == [[5, 6, 7], [1, 2, 3]]
