"""Flows: there and back, volumes by brute force, densities that integrate to 1, and the start from a batch."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from losses.flow import change_of_variables
from models.flow import ActivationNormalization, Flow, Mixing, Squeeze, real_nvp
from models.image_flow import (
    IMAGE_FLOWS,
    Conditioners,
    ImageFlow,
    UniformDequantizer,
    variational_dequantizer,
)
from models.layers.coupling import channel_mask, checkerboard_mask

CHOICES = pytest.mark.parametrize("options", [{}, {"coupling": "additive", "mixing": True}], ids=["affine", "additive"])


def unsettled(params, rng, scale=0.3):
    """Parameters away from their start, at which every coupling is the identity."""
    moved = jax.tree.map(lambda leaf: leaf + scale * jnp.asarray(rng.normal(size=leaf.shape)), params)
    return params | {"params": moved["params"]}


def initialised(model, *given):
    """In double precision; Flax' parameters begin in single."""
    single = [jnp.asarray(each, jnp.float32) for each in given]
    return in_double(jax.jit(model.init)(jax.random.key(0), *single))


def in_double(params):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params)


def points(count, dimensions=2):
    return jnp.asarray(3 + 2 * np.random.default_rng(1).normal(size=(count, dimensions)))


@CHOICES
def test_a_flow_of_vectors_comes_back_with_the_volumes_of_its_jacobian(options, float64):
    model, values = real_nvp(3, depth=3, widths=(8,), **options), points(4, 3)
    params = unsettled(initialised(model, values), np.random.default_rng(0))

    @jax.jit
    def whole(values):
        passed = model.apply(params, values)
        back, of_inverse = model.apply(params, passed["latent"], method="invert")
        jacobians = jax.vmap(jax.jacobian(lambda value: model.apply(params, value[None])["latent"][0]))(values)
        return passed, back, of_inverse, jnp.linalg.slogdet(jacobians)[1]

    passed, back, of_inverse, brute_force = whole(values)
    np.testing.assert_allclose(back, values, atol=1e-10)
    np.testing.assert_allclose(passed["log_determinant"], brute_force, atol=1e-10)
    np.testing.assert_allclose(of_inverse, -passed["log_determinant"], atol=1e-10)


@CHOICES
def test_its_density_integrates_to_one(options, float64):
    model = real_nvp(2, depth=4, widths=(16,), **options)
    params = unsettled(initialised(model, points(64) / 4), np.random.default_rng(0))
    side = jnp.linspace(-25.0, 25.0, 1001)
    grid = jnp.stack(jnp.meshgrid(side, side), axis=-1)

    @jax.jit
    def mass_of(row):
        passed = model.apply(params, row)
        return jnp.sum(jnp.exp(jax.vmap(change_of_variables)(passed["latent"], passed["log_determinant"])))

    mass = jnp.sum(jax.lax.map(mass_of, grid)) * (50 / 1000) ** 2
    np.testing.assert_allclose(mass, 1, atol=1e-3)


def test_the_first_batch_comes_out_standardised(float64):
    """At the start couplings move nothing, and so every later normalisation finds what the first has made."""
    model, values = real_nvp(2, depth=2, widths=(8,)), points(500)
    latents = model.apply(initialised(model, values), values)["latent"]
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=1e-6)  # of parameters found in single precision
    np.testing.assert_allclose(latents.std(axis=0), 1, atol=1e-5)


def test_an_untrained_flow_of_a_gaussian_is_the_gaussian_of_its_moments(float64):
    """An exact log-likelihood: with the couplings at rest, N(mean, variance) of the batch that it began with."""
    model, values = real_nvp(2, depth=1, widths=(8,)), points(50)
    passed = model.apply(initialised(model, values), values)
    found = jax.vmap(change_of_variables)(passed["latent"], passed["log_determinant"])
    variance = values.var(axis=0) + 1e-6
    expected = -0.5 * (jnp.log(2 * jnp.pi * variance) + (values - values.mean(axis=0)) ** 2 / variance).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_values_of_another_shape_are_refused():
    model = real_nvp(2, depth=1, widths=(4,))
    with pytest.raises(ValueError, match=r"a flow of values \(2,\) was given \(3,\)"):
        model.init(jax.random.key(0), jnp.zeros((4, 3)))


def grey_images(rng, count=3):
    return jnp.asarray(rng.integers(0, 17, (count, 4, 4, 1)) / 16), jnp.asarray(rng.random((count, 4, 4, 1)))


def test_a_flow_of_images_comes_back_with_the_volumes_of_its_jacobian(float64):
    """Of two scales, in which every kind of layer stands."""
    images, noise = grey_images(np.random.default_rng(2))
    nets = Conditioners(hidden=2, depth=1)
    first = (*nets.couplings(checkerboard_mask, 1, 1), Squeeze(), ActivationNormalization(), Mixing())
    flow = Flow((4, 4, 1), (first, (Squeeze(), *nets.couplings(channel_mask, 1, 8))))
    model = ImageFlow(flow, UniformDequantizer(), levels=17)
    params = unsettled(initialised(model, images, noise), np.random.default_rng(0), 0.1)

    @jax.jit
    def whole(images, noise):
        passed = model.apply(params, images, noise)
        back, of_inverse = model.apply(params, passed["latent"], method="invert")

        def latent(flat):
            return model.apply(params, images[:1], flat.reshape(1, 4, 4, 1))["latent"][0]

        return passed, back, of_inverse, jnp.linalg.slogdet(jax.jacobian(latent)(noise[0].ravel()))[1]

    passed, back, of_inverse, brute_force = whole(images, noise)
    assert passed["latent"].shape == (3, 16)
    np.testing.assert_allclose(back, images, atol=1e-10)
    np.testing.assert_allclose(passed["log_determinant"][0], brute_force, atol=1e-9)
    np.testing.assert_allclose(of_inverse, -passed["log_determinant"], atol=1e-9)
    assert not passed["log_noise_density"].any()


@pytest.mark.parametrize("name", IMAGE_FLOWS)
def test_a_named_flow_has_latents_as_large_as_its_images(name):
    model = ImageFlow(IMAGE_FLOWS[name]((8, 12, 3), Conditioners(hidden=4, depth=1)), UniformDequantizer(), levels=256)
    images = jnp.zeros((2, 8, 12, 3))
    params = jax.eval_shape(model.init, jax.random.key(0), images, images)
    latents = jax.eval_shape(model.apply, params, images, images)["latent"]
    assert latents.shape == (2, 8 * 12 * 3)
    back, _ = jax.eval_shape(partial(model.apply, method="invert"), params, latents)
    assert back.shape == images.shape


def test_noise_made_by_a_flow_has_the_density_that_it_says(float64):
    """Uniform noise is taken to u, and q(u) is the reciprocal of the volume."""
    images, noise = grey_images(np.random.default_rng(3))
    dequantizer = variational_dequantizer(1, Conditioners(hidden=2, depth=1, blocks=2))
    start = initialised(dequantizer, images, noise)

    @jax.jit
    def whole(params, noise):
        def made(flat):
            return dequantizer.apply(params, images[:1], flat.reshape(1, 4, 4, 1))[0].ravel()

        return dequantizer.apply(params, images, noise), jnp.linalg.slogdet(jax.jacobian(made)(noise[0].ravel()))[1]

    (made, log_density), volume = whole(unsettled(start, np.random.default_rng(0), 0.2), noise)
    assert ((made > 0) & (made < 1)).all()
    assert np.abs(made - noise).max() > 0.01
    np.testing.assert_allclose(log_density[0], -volume, atol=1e-9)
    (made, log_density), _ = whole(start, noise)
    np.testing.assert_allclose(made, noise, atol=1e-5)  # uniform at the start, but for the logit's margin
    np.testing.assert_allclose(log_density, 0, atol=1e-3)
