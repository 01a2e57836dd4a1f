"""Densities on the line, their two divergences by quadrature, and one by draws."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from losses.divergences import gaussian_kl_between, monte_carlo_kl
from losses.likelihoods import gaussian_log_likelihood

Points = Float[Array, " points"]


class Normal(NamedTuple):
    """N(mean, exp(log_variance))."""

    mean: Float[Array, ""]
    log_variance: Float[Array, ""]

    def log_density(self, point: Float[Array, ""]) -> Float[Array, ""]:
        """In nats of density."""
        return gaussian_log_likelihood(point, self.mean, self.log_variance)

    def draw(self, key: Key[Array, ""]) -> Float[Array, ""]:
        """Mean + deviation · ε of a standard normal ε, so that gradients pass through a draw."""
        return self.mean + jnp.exp(self.log_variance / 2) * jax.random.normal(key)


class Mixture(NamedTuple):
    """p(x) = Σ_k w_k N(x; m_k, s_k²)."""

    weights: tuple[float, ...]
    """shares w"""
    means: tuple[float, ...]
    """m"""
    deviations: tuple[float, ...]
    """s"""

    def log_density(self, point: Float[Array, ""]) -> Float[Array, ""]:
        """In nats of density."""
        weights, means, deviations = (jnp.asarray(values, point.dtype) for values in self)
        each = jax.vmap(gaussian_log_likelihood, (None, 0, 0))(point, means, 2 * jnp.log(deviations))
        return jax.nn.logsumexp(each + jnp.log(weights))

    def moments(self) -> tuple[float, float]:
        """Mean and variance:  m = Σ_k w_k m_k,   v = Σ_k w_k (s_k² + m_k²) − m²."""
        mean = sum(w * m for w, m in zip(self.weights, self.means, strict=True))
        square = sum(w * (s**2 + m**2) for w, m, s in zip(*self, strict=True))
        return mean, square - mean**2


def quadrature_kl(log_density: Points, other_log_density: Points, spacing: float) -> Float[Array, ""]:
    """KL of two densities on an even grid of points, in nats:  Σ_i p(x_i) (log p(x_i) − log q(x_i)) Δ."""
    return spacing * jnp.sum(jnp.exp(log_density) * (log_density - other_log_density))


class Estimate(NamedTuple):
    """A divergence by draws, beside the truth; all in nats."""

    estimate: Float[Array, ""]
    """the mean of n log-ratios"""
    standard_error: Float[Array, ""]
    """their standard deviation over √n"""
    closed_form: Float[Array, ""]
    """what both are held against"""


def log_ratios(density: Normal, log_other: Callable[..., Float[Array, ""]], keys: Key[Array, " draws"]) -> Points:
    """Log q(z) − log p(z) of a draw z of q for each key; their mean estimates KL(q ‖ p), in nats."""
    points = jax.vmap(density.draw)(keys)
    return jax.vmap(density.log_density)(points) - jax.vmap(log_other)(points)


def estimated_kl(key: Key[Array, ""], density: Normal, other: Normal, *, draws: int) -> Estimate:
    """KL(density ‖ other) by draws of the first, beside the closed form of two Gaussians."""
    points = jax.vmap(density.draw)(jax.random.split(key, draws))
    own, others = (jax.vmap(each.log_density)(points) for each in (density, other))
    standard_error = jnp.std(own - others, ddof=1) / jnp.sqrt(float(draws))
    closed_form = gaussian_kl_between(*(value[None] for value in (*density, *other)))
    return Estimate(monte_carlo_kl(own, others), standard_error, closed_form)
