"""Log-likelihoods against SciPy, optax and enumeration of all outcomes."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
import scipy.stats

from losses.likelihoods import (
    LIKELIHOODS,
    bernoulli_log_likelihood,
    categorical_log_likelihood,
    gaussian_log_likelihood,
)

LINE = np.linspace(-40.0, 40.0, 4001)  # the trapezoidal rule is exact to rounding for a Gaussian that decays inside


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


def normal(*shape):
    return jnp.asarray(np.random.default_rng(len(shape) + sum(shape)).normal(size=shape))


def test_gaussian_is_scipys_normal(float64, rng):
    value, mean, log_variance = rng.normal(size=(3, 4, 5))
    expected = scipy.stats.norm.logpdf(value, mean, np.exp(log_variance / 2)).sum()
    close(gaussian_log_likelihood(*map(jnp.asarray, (value, mean, log_variance))), expected)


def test_gaussian_integrates_to_one(float64):
    density = jax.vmap(lambda x: jnp.exp(gaussian_log_likelihood(x, jnp.float64(1.3), jnp.float64(0.8))))
    close(np.trapezoid(density(jnp.asarray(LINE)), LINE), 1.0)


def test_bernoulli_is_scipys(float64, rng):
    bits, logits = rng.integers(0, 2, (3, 4)), rng.normal(size=(3, 4))
    expected = scipy.stats.bernoulli.logpmf(bits, scipy.special.expit(logits)).sum()
    close(bernoulli_log_likelihood(jnp.asarray(bits, jnp.float64), jnp.asarray(logits)), expected)


def test_bernoulli_of_intensities_is_optax_cross_entropy(float64, rng):
    value, logits = jnp.asarray(rng.uniform(size=(3, 4))), jnp.asarray(3 * rng.normal(size=(3, 4)))
    close(bernoulli_log_likelihood(value, logits), -optax.sigmoid_binary_cross_entropy(logits, value).sum())


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize(
    ("bit", "logit", "expected", "slope"), [(1, 1e4, 0, 0), (0, 1e4, -1e4, -1), (1, -1e4, -1e4, 1), (0, -1e4, 0, 0)]
)
def test_bernoulli_at_extreme_logits_is_exact(float64, bit, logit, expected, slope, dtype):
    value, gradient = jax.value_and_grad(bernoulli_log_likelihood, 1)(
        jnp.asarray(bit, dtype), jnp.asarray(logit, dtype)
    )
    assert (value, gradient) == (expected, slope)


def test_bernoulli_sums_to_one_over_all_bit_patterns(float64):
    outcomes = jnp.asarray(list(product([0.0, 1.0], repeat=6))).reshape(-1, 2, 3)
    log_probabilities = jax.vmap(bernoulli_log_likelihood, (0, None))(outcomes, normal(2, 3))
    close(jnp.exp(log_probabilities).sum(), 1.0)


def test_categorical_is_scipys_log_softmax(float64, rng):
    labels, logits = rng.integers(0, 5, (2, 3)), rng.normal(size=(2, 3, 5))
    chosen = np.take_along_axis(scipy.special.log_softmax(logits, axis=-1), labels[..., None], -1)
    close(categorical_log_likelihood(jnp.asarray(labels), jnp.asarray(logits)), chosen.sum())


def test_categorical_is_optax_integer_cross_entropy(float64, rng):
    labels, logits = jnp.asarray(rng.integers(0, 5, (2, 3))), jnp.asarray(rng.normal(size=(2, 3, 5)))
    expected = -optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum()
    close(categorical_log_likelihood(labels, logits), expected)


def test_categorical_sums_to_one_over_all_outcomes(float64):
    outcomes = jnp.asarray(list(product(range(4), repeat=3)))
    log_probabilities = jax.vmap(categorical_log_likelihood, (0, None))(outcomes, normal(3, 4))
    close(jnp.exp(log_probabilities).sum(), 1.0)


def test_categorical_at_extreme_logits_is_exact(float64):
    logits = jnp.asarray([1e4, 0.0, -1e4])
    assert [categorical_log_likelihood(jnp.asarray(x), logits) for x in range(3)] == [0, -1e4, -2e4]


def probabilities(likelihood, values, decoded):
    """p(value) of one pixel, for each value."""
    log_likelihood = jax.jit(jax.vmap(lambda x: likelihood.log_likelihood(x[None], decoded)))
    return np.exp(log_likelihood(jnp.asarray(values)))


def test_bernoullis_mean_is_the_probability_of_one(float64):
    likelihood, decoded = LIKELIHOODS["bernoulli"](17), normal(1, 1)
    close(likelihood.mean(decoded), probabilities(likelihood, [0.0, 1.0], decoded)[1:])


def test_gaussians_mean_is_its_expectation(float64):
    likelihood, decoded = LIKELIHOODS["gaussian"](17), normal(1, 2)
    weighted = LINE * probabilities(likelihood, LINE, decoded)
    close(likelihood.mean(decoded), [np.trapezoid(weighted, LINE)])


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_categoricals_mean_is_its_expectation(float64, levels):
    likelihood, decoded, grey = LIKELIHOODS["categorical"](levels), normal(1, levels), np.arange(levels) / (levels - 1)
    close(likelihood.mean(decoded), [grey @ probabilities(likelihood, grey, decoded)])


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_decoder_outputs_are_the_last_axis_of_an_image(float64, rng, name):
    likelihood, image = LIKELIHOODS[name](3), jnp.asarray(rng.integers(0, 3, (2, 4, 1)) / 2)
    decoded = normal(2, 4, 1, likelihood.outputs)
    pixels = jax.jit(jax.vmap(likelihood.log_likelihood))(image.reshape(8, 1), decoded.reshape(8, 1, -1))
    close(jax.jit(likelihood.log_likelihood)(image, decoded), pixels.sum())


def test_gaussians_variance_is_never_below_exp_minus_six(float64):
    decoded = jnp.asarray([[0.25, -1e4]])
    value = LIKELIHOODS["gaussian"](17).log_likelihood(jnp.asarray([0.5]), decoded)
    close(value, scipy.stats.norm.logpdf(0.5, 0.25, np.exp(-3.0)))


def test_gaussians_log_variance_is_the_decoders_far_above_the_floor(float64):
    value = LIKELIHOODS["gaussian"](17).log_likelihood(jnp.asarray([0.5]), jnp.asarray([[0.25, 40.0]]))
    close(value, scipy.stats.norm.logpdf(0.5, 0.25, np.exp(20.0)))


@pytest.mark.parametrize("towards", [-1, None, 2], ids=["an ulp below", "as it is", "an ulp above"])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_categorical_reads_every_grey_level(levels, towards):
    """In float32, as data sets come: level k is k / (levels − 1), however that was rounded."""
    grey = (np.arange(levels) / (levels - 1)).astype(np.float32)
    images = jnp.asarray(grey if towards is None else np.nextafter(grey, np.float32(towards)))[:, None]
    decoded = 1e3 * jnp.eye(levels)[:, None, :]
    each_level = jax.vmap(LIKELIHOODS["categorical"](levels).log_likelihood, (None, 0))
    log_likelihood = jax.jit(jax.vmap(each_level, (0, None)))(images, decoded)
    np.testing.assert_array_equal(log_likelihood, 1e3 * (np.eye(levels) - 1))
