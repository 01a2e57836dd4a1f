"""The deep perceptron against NumPy, and how its weights begin."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from programs import jit_of_draws

from models.deep_mlp import INITIALIZATIONS, DeepMLP
from models.mlp import ACTIVATIONS

BY_NUMPY = {
    "relu": lambda z: np.maximum(z, 0),
    "silu": lambda z: z * scipy.special.expit(z),
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
    "linear": lambda z: z,
}
IMAGES = np.random.default_rng(0).normal(size=(3, 4, 2, 1))


def normalized(hidden, scale, bias):
    """Ba et al. 2016, equations 3 and 4, with Flax's 1e-6 under the root."""
    mean = hidden.mean(axis=-1, keepdims=True)
    variance = ((hidden - mean) ** 2).mean(axis=-1, keepdims=True)
    return (hidden - mean) / np.sqrt(variance + 1e-6) * scale + bias


@pytest.mark.parametrize(("residual", "normalization"), [*product([False, True], repeat=2)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_is_what_its_docstring_says(activation, residual, normalization, float64):
    net = DeepMLP(3, 5, 2, activation, residual=residual, normalization=normalization)
    rng = np.random.default_rng(1)
    shapes = jax.eval_shape(net.init, jax.random.key(0), jnp.asarray(IMAGES, jnp.float32))["params"]
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), shapes)

    def affine(name, inputs):
        return inputs @ np.asarray(params[name]["kernel"]) + np.asarray(params[name]["bias"])

    def seen(name, hidden):
        return (
            normalized(hidden, *(np.asarray(params[name][k]) for k in ("scale", "bias"))) if normalization else hidden
        )

    first = BY_NUMPY[activation](affine("layer_1", IMAGES.reshape(3, 8)))
    second = BY_NUMPY[activation](affine("layer_2", seen("norm_2", first))) + residual * first
    third = BY_NUMPY[activation](affine("layer_3", seen("norm_3", second))) + residual * second
    expected = {"layer_1": first, "layer_2": second, "layer_3": third}
    expected["logits"] = affine("readout", seen("norm", third))

    with jax.numpy_dtype_promotion("standard"):  # Flax takes the mean in at least float32
        actual = net.apply({"params": params}, jnp.asarray(IMAGES))
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=1e-12, atol=1e-12)
    assert ("norm" in params) == normalization


def first_kernel(initialization, width):
    init = jit_of_draws(DeepMLP(1, width, 2, initialization=initialization).init)
    layer = init(jax.random.key(0), np.zeros((1, 10, 10, 1), np.float32))
    np.testing.assert_array_equal(layer["params"]["layer_1"]["bias"], np.zeros(width))
    return np.asarray(layer["params"]["layer_1"]["kernel"], np.float64)


@pytest.mark.parametrize(
    ("initialization", "variance"),
    [("small", 0.1**2), ("large", 0.25**2), ("glorot", 2 / (100 + 300)), ("he", 2 / 100)],
)
def test_weights_begin_with_the_variance_of_the_paper(initialization, variance):
    """30,000 draws: the relative standard error of a normal's variance is √(2/30,000) = 0.8 %."""
    kernel = first_kernel(initialization, 300)
    assert np.mean(kernel**2) == pytest.approx(variance, rel=0.03)
    assert abs(np.mean(kernel)) < 4 * np.sqrt(variance / kernel.size)


def test_orthogonal_weights_keep_lengths():
    kernel = first_kernel("orthogonal", 100)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(100), atol=1e-5)


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_a_shallower_net_has_the_first_layers_of_a_deeper_one(initialization):
    deep, shallow = (
        DeepMLP(depth, 6, 3, initialization=initialization, normalization=True).init(
            jax.random.key(7), jnp.zeros((1, 2, 3, 1))
        )["params"]
        for depth in (5, 2)
    )
    assert set(shallow) < set(deep)
    assert jax.tree.all(jax.tree.map(np.array_equal, shallow, {name: deep[name] for name in shallow}))
    assert not np.array_equal(deep["layer_4"]["kernel"], deep["layer_5"]["kernel"])
