"""Squeeze-and-excitation by NumPy, equation by equation."""

import jax.numpy as jnp
import numpy as np

from models.layers.squeeze_excitation import channel_gates, scale_channels


def test_equations_2_to_4(float64):
    rng = np.random.default_rng(0)
    images, first, last = rng.normal(size=(3, 4, 5, 6)), rng.normal(size=(6, 2)), rng.normal(size=(2, 6))
    first_bias, last_bias = rng.normal(size=2), rng.normal(size=6)
    gates = channel_gates(*map(jnp.asarray, (images, first, first_bias, last, last_bias)))
    scaled = scale_channels(jnp.asarray(images), gates)
    for n in range(3):
        squeezed = np.array([images[n, ..., c].sum() / 20 for c in range(6)])
        excited = 1 / (1 + np.exp(-(np.maximum(squeezed @ first + first_bias, 0) @ last + last_bias)))
        np.testing.assert_allclose(gates[n], excited, rtol=1e-12)
        for c in range(6):
            np.testing.assert_allclose(scaled[n, ..., c], excited[c] * images[n, ..., c], rtol=1e-12)


def test_without_weights_every_channel_is_halved():
    images = jnp.ones((1, 2, 2, 3))
    gates = channel_gates(images, jnp.zeros((3, 2)), jnp.zeros(2), jnp.zeros((2, 3)), jnp.zeros(3))
    np.testing.assert_array_equal(scale_channels(images, gates), np.full((1, 2, 2, 3), 0.5))
