import jax
import jax.numpy as jnp
import numpy as np

from models.temporal_conv_net import TemporalConvNet


def test_the_last_place_sees_as_many_as_the_formula_says():
    model = TemporalConvNet(1, channels=3, blocks=2, window=3, dropout=0.0)
    inputs = jax.random.normal(jax.random.key(0), (1, 20, 2))

    @jax.jit
    def slope(inputs):
        params = model.init(jax.random.key(1), inputs)
        smooth = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, params)  # no rectifier is shut
        return jax.grad(lambda x: model.apply(smooth, x)["outputs"].sum())(jnp.abs(inputs))

    seen = np.abs(np.asarray(slope(inputs))[0]).sum(axis=1) > 0
    assert model.seen == 13
    np.testing.assert_array_equal(seen, np.arange(20) >= 20 - model.seen)
