import jax
import jax.numpy as jnp
import numpy as np

from experiments.networks.sequence import SequenceNetwork

INPUTS = jax.random.normal(jax.random.key(0), (3, 4, 2))
KEYS = jax.random.split(jax.random.key(1), 3)


def test_where_a_sequence_begins_is_sampled_in_training_alone():
    sampled, zero = (SequenceNetwork(units=4, initial_state=initial) for initial in ("sampled", "zero"))
    model = sampled.net(1)
    params = jax.jit(model.init)(jax.random.key(2), INPUTS)
    noisy = sampled.noisy(model)(KEYS, params, INPUTS)["outputs"]
    np.testing.assert_array_equal(noisy, model.apply(params, INPUTS, initial_keys=KEYS)["outputs"])
    still = zero.noisy(zero.net(1))(KEYS, params, INPUTS)["outputs"]
    np.testing.assert_array_equal(still, model.apply(params, INPUTS)["outputs"])
    assert not jnp.allclose(noisy, still)
