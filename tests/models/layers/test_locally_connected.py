"""A convolution where all kernels are equal; with kernels of its own, position by position."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.conv import convolve
from models.layers.locally_connected import locally_connected

CASES = {
    locally_connected: Case(
        lambda rng: (rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(2, 3, 3, 2, 3, 4))), {"stride": 2}
    ),
}


def normal(*shape):
    return jnp.asarray(np.random.default_rng(shape).normal(size=shape))


@pytest.mark.parametrize(
    ("space", "window", "options"),
    [
        ((7, 6), (3, 2), {}),
        ((7, 6), (3, 3), {"stride": (2, 1), "padding": "SAME"}),
        ((7, 6), (2, 3), {"padding": ((2, 1), (-1, 0))}),
        ((9,), (4,), {"stride": 3}),
    ],
)
def test_with_equal_kernels_it_is_the_convolution_and_its_gradient_the_sum(float64, space, window, options):
    images, kernel = normal(2, *space, 3), normal(*window, 3, 2)

    def shared(images, kernel):
        positions = jax.eval_shape(lambda x, w: convolve(x, w, **options), images, kernel).shape[1:-1]
        return locally_connected(images, jnp.broadcast_to(kernel, (*positions, *kernel.shape)), **options)

    def value_and_gradients(layer):
        value, pullback = jax.vjp(layer, images, kernel)
        return value, *pullback(jnp.sin(jnp.arange(value.size, dtype=value.dtype)).reshape(value.shape))

    ours, theirs = jax.jit(lambda: [value_and_gradients(f) for f in (shared, lambda x, w: convolve(x, w, **options))])()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), ours, theirs)


def test_every_position_has_its_own_kernel(float64):
    images, kernels = np.asarray(normal(2, 5, 4, 3)), np.asarray(normal(2, 3, 3, 2, 3, 2))
    expected = np.zeros((2, 2, 3, 2))
    for i, j in np.ndindex(2, 3):
        expected[:, i, j] = np.einsum("nklc,klco->no", images[:, 2 * i : 2 * i + 3, j : j + 2], kernels[i, j])
    found = locally_connected(jnp.asarray(images), jnp.asarray(kernels), stride=(2, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_kernels_of_other_positions_or_rank_are_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"\(3, 3, 2, 2, 1, 1\) on images \(1, 5, 4, 1\) need the positions \(4, 3\)"):
        locally_connected(jnp.ones((1, 5, 4, 1)), jnp.ones((3, 3, 2, 2, 1, 1)))
    with pytest.raises(ValueError, match=r"\(4, 2, 1, 1\) of images \(1, 5, 4, 1\) need 2 positions, 2 sizes"):
        locally_connected(jnp.ones((1, 5, 4, 1)), jnp.ones((4, 2, 1, 1)))
