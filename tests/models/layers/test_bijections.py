"""One contract for every bijection: there and back, and volumes against the Jacobian by brute force."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.activation_normalization import (
    activation_normalize,
    invert_activation_normalization,
    standardizing_start,
)
from models.layers.coupling import (
    additive_coupling,
    affine_coupling,
    bounded_log_scale,
    channel_mask,
    checkerboard_mask,
    invert_additive_coupling,
    invert_affine_coupling,
)
from models.layers.dequantization import dequantize, invert_logit, logit, quantize_levels
from models.layers.invertible_mixing import (
    TriangularFactors,
    factor_matrix,
    mix_channels,
    mixing_matrix,
    unmix_channels,
)
from models.layers.multiscale import join_channels, split_channels, squeeze, unsqueeze

IMAGE = (2, 4, 3)


def image(rng, *shape):
    return rng.normal(size=shape or IMAGE)


def coupled(numbers):
    return lambda rng: (*(image(rng) for _ in range(numbers)), rng.random(IMAGE) < 0.5)


CASES = {
    affine_coupling: Case(coupled(3)),
    invert_affine_coupling: Case(coupled(3)),
    additive_coupling: Case(coupled(2)),
    invert_additive_coupling: Case(coupled(2)),
    squeeze: Case(lambda rng: (image(rng, 4, 2, 3),)),
    unsqueeze: Case(lambda rng: (image(rng, 2, 1, 8),)),
    split_channels: Case(lambda rng: (image(rng, 2, 4),)),
    join_channels: Case(lambda rng: (image(rng, 2, 3), image(rng, 2, 3))),
    dequantize: Case(lambda rng: (rng.integers(0, 5, IMAGE) / 4.0, rng.random(IMAGE)), options={"levels": 5}),
    quantize_levels: Case(lambda rng: (rng.random(IMAGE),), options={"levels": 5}, constant_almost_everywhere=True),
    logit: Case(lambda rng: (rng.random(IMAGE),), options={"margin": 0.01}),
    invert_logit: Case(options={"margin": 0.01}),
}


class Bijection(NamedTuple):
    """How the contract calls one: on a value, with a random generator for its parameters."""

    forward: object
    inverse: object
    parameters: object = lambda rng: ()
    shape: tuple = IMAGE
    start: object = lambda rng, shape: rng.normal(size=shape)


def matrices(rng):
    """A conditioner that is no bijection, and a mask."""
    size = int(np.prod(IMAGE))
    return rng.normal(size=(2, size, size)) / 4, rng.normal(size=3)


def of_kept(parameters, value, mask):
    """Log-scale and shift by a network that sees what is kept."""
    kernels, log_bound = parameters
    seen = jnp.where(mask, value, 0.0).ravel()
    raw, shift = (jnp.tanh(seen @ kernel).reshape(IMAGE) for kernel in kernels)
    return bounded_log_scale(raw, log_bound), shift


def coupling(kind, mask):
    def call(value, *parameters):
        log_scale, shift = of_kept(parameters, value, mask)
        given = (shift,) if kind in (additive_coupling, invert_additive_coupling) else (log_scale, shift)
        return kind(value, *given, mask)

    return call


def still(move):
    """Of what only moves numbers about."""
    return lambda value: (move(value), jnp.zeros((), value.dtype))


def split_and_joined(value):
    return join_channels(*split_channels(value)[::-1])


BIJECTIONS = {
    "affine, checkerboard": Bijection(
        coupling(affine_coupling, checkerboard_mask(IMAGE, parity=0)),
        coupling(invert_affine_coupling, checkerboard_mask(IMAGE, parity=0)),
        matrices,
    ),
    "affine, channels": Bijection(
        coupling(affine_coupling, channel_mask(IMAGE, parity=1)),
        coupling(invert_affine_coupling, channel_mask(IMAGE, parity=1)),
        matrices,
    ),
    "additive": Bijection(
        coupling(additive_coupling, checkerboard_mask(IMAGE, parity=1)),
        coupling(invert_additive_coupling, checkerboard_mask(IMAGE, parity=1)),
        matrices,
    ),
    "activation normalisation": Bijection(
        activation_normalize, invert_activation_normalization, lambda rng: (rng.normal(size=3), rng.normal(size=3))
    ),
    "invertible 1×1": Bijection(
        lambda value, matrix: mix_channels(value, factor_matrix(matrix)),
        lambda value, matrix: unmix_channels(value, factor_matrix(matrix)),
        lambda rng: (rng.normal(size=(3, 3)) + 2 * np.eye(3)[[1, 2, 0]],),
    ),
    "squeeze": Bijection(still(squeeze), still(unsqueeze)),
    "split": Bijection(still(split_and_joined), still(split_and_joined), shape=(2, 4)),
    "logit": Bijection(
        lambda value: logit(value, margin=0.01),
        lambda value: invert_logit(value, margin=0.01),
        start=lambda rng, shape: rng.uniform(0.05, 0.95, shape),
    ),
    "dequantisation": Bijection(
        lambda noise: dequantize(jnp.full(IMAGE, 0.75, noise.dtype), noise, levels=5),
        lambda value: (value * 5 - 3, jnp.asarray(value.size * np.log(5), value.dtype)),
        start=lambda rng, shape: rng.random(shape),
    ),
}
EVERY = pytest.mark.parametrize("name", BIJECTIONS)


def there_and_back(name, dtype):
    """A value; what comes of it and the log-determinant; both again for the inverse; the Jacobian's by brute force."""
    bijection, rng = BIJECTIONS[name], np.random.default_rng(0)
    value = jnp.asarray(bijection.start(rng, bijection.shape), dtype)
    parameters = [jnp.asarray(each, dtype) for each in bijection.parameters(rng)]

    @jax.jit
    def whole(value, parameters):
        there, log_determinant = bijection.forward(value, *parameters)
        back, of_inverse = bijection.inverse(there, *parameters)
        jacobian = jax.jacobian(lambda flat: bijection.forward(flat.reshape(value.shape), *parameters)[0].ravel())
        return there, log_determinant, back, of_inverse, jnp.linalg.slogdet(jacobian(value.ravel()))[1]

    return value, *whole(value, parameters)


@EVERY
def test_it_is_a_bijection_with_the_volumes_of_its_jacobian(name, float64):
    value, there, log_determinant, back, of_inverse, brute_force = there_and_back(name, jnp.float64)
    assert np.abs(np.ravel(there) - np.ravel(value)).max() > 0.01
    np.testing.assert_allclose(back, value, atol=1e-10)
    np.testing.assert_allclose(log_determinant, brute_force, atol=1e-10)
    np.testing.assert_allclose(of_inverse, -log_determinant, atol=1e-10)


@EVERY
def test_it_comes_back_in_single_precision(name):
    value, _, log_determinant, back, of_inverse, brute_force = there_and_back(name, jnp.float32)
    np.testing.assert_allclose(back, value, atol=1e-5)
    np.testing.assert_allclose(log_determinant, brute_force, atol=1e-4)  # of two dozen numbers, each of it to 1e-6
    np.testing.assert_allclose(of_inverse, -log_determinant, atol=1e-4)


def test_masks_are_of_halves_and_take_turns():
    board = np.asarray(checkerboard_mask((2, 3, 1), parity=0))[..., 0]
    np.testing.assert_array_equal(board, [[True, False, True], [False, True, False]])
    np.testing.assert_array_equal(checkerboard_mask((2, 3, 1), parity=1)[..., 0], ~board)
    np.testing.assert_array_equal(channel_mask((5,), parity=0), [True, True, True, False, False])
    np.testing.assert_array_equal(channel_mask((2, 4), parity=1), [[False, False, True, True]] * 2)
    with pytest.raises(ValueError, match=r"keeps half of them, and the shape \(8, 8, 1\) has 1"):
        channel_mask((8, 8, 1), parity=0)


def test_what_is_kept_stays_and_nothing_is_stretched_beyond_its_bound(float64):
    rng = np.random.default_rng(1)
    value, shift, mask = image(rng), image(rng), np.asarray(checkerboard_mask(IMAGE, parity=0))
    log_scale = bounded_log_scale(100 * jnp.asarray(image(rng)), jnp.log(jnp.full(3, 0.5)))
    assert np.abs(log_scale).max() <= 0.5
    changed, _ = affine_coupling(jnp.asarray(value), log_scale, jnp.asarray(shift), jnp.asarray(mask))
    np.testing.assert_array_equal(changed[mask], value[mask])
    np.testing.assert_allclose(bounded_log_scale(jnp.full((1, 3), 1e-4), jnp.zeros(3)), 1e-4, rtol=1e-6)


def test_the_first_batch_comes_out_standardised(float64):
    values = jnp.asarray(5 + 3 * np.random.default_rng(2).normal(size=(64, 4, 3)))
    out, _ = jax.vmap(activation_normalize, (0, None, None))(values, *standardizing_start(values, epsilon=0.0))
    np.testing.assert_allclose(out.mean((0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(out.std((0, 1)), 1, atol=1e-12)
    assert np.isfinite(standardizing_start(jnp.ones((4, 2)))[0]).all()


def test_the_factors_are_those_of_the_matrix(float64):
    matrix = np.random.default_rng(3).normal(size=(6, 6))
    factors = factor_matrix(jnp.asarray(matrix))
    np.testing.assert_allclose(mixing_matrix(factors), matrix, atol=1e-12)
    np.testing.assert_allclose(factors.log_diagonal.sum(), np.linalg.slogdet(matrix)[1], atol=1e-12)
    value = np.random.default_rng(4).normal(size=(2, 6))
    np.testing.assert_allclose(mix_channels(jnp.asarray(value), factors)[0], np.einsum("ij,nj->ni", matrix, value))
    dirty = TriangularFactors(factors.permutation, factors.lower + jnp.triu(jnp.ones((6, 6))), *factors[2:])
    np.testing.assert_allclose(mixing_matrix(dirty), matrix, atol=1e-12)


def test_blocks_become_channels():
    pixels = jnp.arange(16.0).reshape(4, 4, 1)
    np.testing.assert_array_equal(squeeze(pixels)[1, 0], [8, 9, 12, 13])
    with pytest.raises(ValueError, match=r"do not tile an image of shape \(3, 4, 1\)"):
        squeeze(jnp.zeros((3, 4, 1)))
    with pytest.raises(ValueError, match=r"\(2, 2, 6\) do not come in fours"):
        unsqueeze(jnp.zeros((2, 2, 6)))
    with pytest.raises(ValueError, match=r"\(2, 3\) have no half"):
        split_channels(jnp.zeros((2, 3)))


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_levels_come_back_from_their_bins(levels):
    rng = np.random.default_rng(5)
    images = (rng.integers(0, levels, 1000) / (levels - 1)).astype(np.float32)
    noise = rng.random(1000).astype(np.float32) * 0.999
    values, log_determinant = dequantize(jnp.asarray(images), jnp.asarray(noise), levels=levels)
    assert 0 <= float(values.min()) <= float(values.max()) < 1
    np.testing.assert_allclose(quantize_levels(values, levels=levels), images, atol=1e-7)
    np.testing.assert_allclose(log_determinant, -1000 * np.log(levels), rtol=1e-6)
    np.testing.assert_array_equal(quantize_levels(jnp.asarray([-3.0, 1.0, 7.0]), levels=levels), [0.0, 1.0, 1.0])


def test_the_ends_of_the_interval_are_taken_to_finite_places():
    ends, log_determinant = logit(jnp.asarray([0.0, 1.0]), margin=1e-5)
    assert np.isfinite(ends).all()
    assert np.isfinite(log_determinant)
