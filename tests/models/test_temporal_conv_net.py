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


def test_with_weight_normalisation_it_begins_as_without_and_learns_lengths_apart():
    plain, normalized = (TemporalConvNet(2, channels=3, blocks=2, weight_normalization=on) for on in (False, True))
    inputs = jax.random.normal(jax.random.key(0), (2, 12, 1))
    params = jax.jit(normalized.init)(jax.random.key(1), inputs)["params"]

    def hidden(network, **changed):
        block = params["TemporalBlock_0"] | changed
        return network.apply({"params": params | {"TemporalBlock_0": block}}, inputs)["hidden"]

    first = params["TemporalBlock_0"]
    begun = hidden(normalized)
    np.testing.assert_allclose(hidden(plain), begun, rtol=1e-5)
    np.testing.assert_allclose(hidden(normalized, kernel_0=2 * first["kernel_0"]), begun, rtol=1e-5)
    doubled = hidden(normalized, gain_0=2 * first["gain_0"])
    np.testing.assert_allclose(
        doubled, hidden(plain, without=("gain_0", "gain_1"), kernel_0=2 * first["kernel_0"]), rtol=1e-5
    )
    assert np.abs(doubled - begun).max() > 0.1
