"""The perceptron against nets computed by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from models.mlp import ACTIVATIONS, MLP

BY_NUMPY = {
    "linear": lambda z: z,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * scipy.special.expit(x),
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
}


def net(*layers):
    """The parameters of an MLP from its (kernel, bias) pairs."""
    return {
        "params": {
            f"Dense_{i}": {"kernel": jnp.asarray(kernel, float), "bias": jnp.asarray(bias, float)}
            for i, (kernel, bias) in enumerate(layers)
        }
    }


def test_two_two_one_net_by_hand(float64):
    """h = relu((1·2 − 3·1 + 0.5, 1·(−1) + 3·1 + 1)) = (0, 3);  y = relu(0·5 + 3·0.5 − 1) = 0.5."""
    params = net(([[2.0, -1.0], [-1.0, 1.0]], [0.5, 1.0]), ([[5.0], [0.5]], [-1.0]))
    assert MLP((2, 1)).apply(params, jnp.asarray([1.0, 3.0])) == 0.5


def test_xor_by_hand(float64):
    """Goodfellow, Bengio & Courville 2016, section 6.1, with their weights."""
    params = net((np.ones((2, 2)), [0.0, -1.0]), ([[1.0], [-2.0]], [0.0]))
    corners = jnp.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(MLP((2, 1)).apply(params, corners)[:, 0], [0, 1, 1, 0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_layer_is_followed_by_the_activation(float64, name):
    rng = np.random.default_rng(0)
    (w1, b1), (w2, b2) = layers = [(rng.normal(size=(3, 4)), rng.normal(size=4)), (rng.normal(size=(4, 2)), np.ones(2))]
    inputs = rng.normal(size=(5, 6, 3))
    expected = BY_NUMPY[name](BY_NUMPY[name](inputs @ w1 + b1) @ w2 + b2)
    actual = MLP((4, 2), name).apply(net(*layers), jnp.asarray(inputs))
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-13)


def test_no_layers_are_the_identity():
    inputs = jnp.asarray([[1.0, -2.0]])
    np.testing.assert_array_equal(MLP(()).apply({}, inputs), inputs)


def test_weights_start_uniform_as_glorot_and_bengio_and_biases_at_zero():
    """Uniform on ±√(6 / (in + out)): of 6,000 draws the largest is within 1 % of it, the second moment within 5 %."""
    layer = jax.jit(MLP((60,)).init)(jax.random.key(0), jnp.zeros((1, 100)))["params"]["Dense_0"]
    bound = np.sqrt(6 / 160)
    assert 0.99 * bound < np.abs(layer["kernel"]).max() <= bound
    assert np.mean(layer["kernel"] ** 2) == pytest.approx(bound**2 / 3, rel=0.05)
    np.testing.assert_array_equal(layer["bias"], np.zeros(60))
