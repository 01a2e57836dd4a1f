"""Log-likelihoods of observations, in nats (for continuous values: nats of density)."""

from collections.abc import Callable
from math import log, pi
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def gaussian_log_likelihood(
    value: Float[Array, "*shape"], mean: Float[Array, "*shape"], log_variance: Float[Array, "*shape"]
) -> Float[Array, ""]:
    """Log N(value; mean, diag(exp(log_variance))), in nats of density.

        −½ Σ_i (log 2π + s_i + (x_i − m_i)² exp(−s_i)),   s = log_variance

    Kingma & Welling 2014, appendix C.2. Lecture 002: with unit variance, −½‖x − D(z)‖² up to a constant.
    """
    value, mean, log_variance = _as_rows(value, mean, log_variance)
    return -0.5 * jnp.sum(log(2 * pi) + log_variance + (value - mean) ** 2 * jnp.exp(-log_variance))


def bernoulli_log_likelihood(value: Float[Array, "*shape"], logits: Float[Array, "*shape"]) -> Float[Array, ""]:
    """Log p(value) of independent bits with P(1) = sigmoid(logits), in nats.

        Σ_i x_i log σ(l_i) + (1 − x_i) log σ(−l_i)

    For values between 0 and 1 it is the negative cross-entropy. Kingma & Welling 2014, appendix C.1.
    The derivative in the logits is written out, x − σ(l), which is one function instead of autodiff's several.
    """
    return jnp.sum(_bernoulli(*_as_rows(value, logits)))


@jax.custom_jvp
def _bernoulli(value: Float[Array, "*shape"], logits: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    softplus = jnp.maximum(logits, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(logits)))
    return value * logits - softplus


@_bernoulli.defjvp
def _bernoulli_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (value, logits), (value_tangent, logits_tangent) = primals, tangents
    derivative = (value - jax.nn.sigmoid(logits)) * logits_tangent + logits * value_tangent
    return _bernoulli(value, logits), derivative


def categorical_log_likelihood(
    value: Int[Array, "*shape"], logits: Float[Array, "*shape categories"]
) -> Float[Array, ""]:
    """Log p(value) of independent categories with probabilities softmax(logits), in nats.

        Σ_i l_i[x_i] − log Σ_c exp l_i[c]

    Categories count from 0. Lecture 000, the Gaussian–categorical example.
    """
    of_each = logits.reshape(-1, logits.shape[-1])
    chosen = jnp.take_along_axis(of_each, value.reshape(-1, 1), axis=-1)[:, 0]
    return jnp.sum(chosen - jax.nn.logsumexp(of_each, axis=-1))


def _as_rows(*arrays: Array) -> list[Array]:
    """Each without its axes. On a CPU XLA hands sums to YNNPACK, together with what is summed: along a last axis of
    length 1, a picture's only colour, likelihoods of many pictures took ten times as long (docs/benchmarks.md).
    """
    return [array.ravel() for array in arrays]


class Likelihood(NamedTuple):
    """A distribution of images whose values lie in [0, 1], as a decoder parameterises it.

    The decoder gives ``outputs`` numbers per value; ``log_likelihood(image, decoded)`` is in nats, and
    ``mean(decoded)`` is the expected image.
    """

    outputs: int
    log_likelihood: Callable[[Float[Array, "*shape"], Float[Array, "*shape outputs"]], Float[Array, ""]]
    mean: Callable[[Float[Array, "*shape outputs"]], Float[Array, "*shape"]]


_LEAST_LOG_VARIANCE = -6.0  # a pixel that never changes would have unbounded density


def bernoulli() -> Likelihood:
    """Bits; the decoder gives logits."""
    return Likelihood(
        outputs=1,
        log_likelihood=lambda image, decoded: bernoulli_log_likelihood(image, decoded[..., 0]),
        mean=lambda decoded: jax.nn.sigmoid(decoded[..., 0]),
    )


def gaussian() -> Likelihood:
    """Real values; the decoder gives mean and log-variance, the latter kept above −6."""

    def log_likelihood(image: Float[Array, "*shape"], decoded: Float[Array, "*shape outputs"]) -> Float[Array, ""]:
        log_variance = _LEAST_LOG_VARIANCE + jax.nn.softplus(decoded[..., 1] - _LEAST_LOG_VARIANCE)
        return gaussian_log_likelihood(image, decoded[..., 0], log_variance)

    return Likelihood(outputs=2, log_likelihood=log_likelihood, mean=lambda decoded: decoded[..., 0])


def unit_gaussian() -> Likelihood:
    """Real values of variance 1 around the mean that the decoder gives: half the squared error, up to a constant."""
    return Likelihood(
        outputs=1,
        log_likelihood=lambda image, decoded: gaussian_log_likelihood(
            image, decoded[..., 0], jnp.zeros(image.shape, image.dtype)
        ),
        mean=lambda decoded: decoded[..., 0],
    )


def categorical(levels: int) -> Likelihood:
    """``levels`` equally spaced grey values; the decoder gives a logit for each."""

    def log_likelihood(image: Float[Array, "*shape"], decoded: Float[Array, "*shape outputs"]) -> Float[Array, ""]:
        return categorical_log_likelihood(jnp.round(image * (levels - 1)).astype(jnp.int32), decoded)

    def mean(decoded: Float[Array, "*shape outputs"]) -> Float[Array, "*shape"]:
        return jax.nn.softmax(decoded, axis=-1) @ jnp.linspace(0.0, 1.0, levels, dtype=decoded.dtype)

    return Likelihood(outputs=levels, log_likelihood=log_likelihood, mean=mean)


LIKELIHOODS: dict[str, Callable[[int], Likelihood]] = {
    "bernoulli": lambda levels: bernoulli(),
    "gaussian": lambda levels: gaussian(),
    "unit_gaussian": lambda levels: unit_gaussian(),
    "categorical": categorical,
}
"""By name, from the number of grey levels of the data."""
