"""The partition function of a restricted Boltzmann machine: by enumeration where it is small, by annealing elsewhere.

    Z = Σ_v Σ_h exp(−E(v, h)) = Σ_v exp(−F(v))

Salakhutdinov & Murray 2008, "On the quantitative analysis of deep belief networks".
"""

from math import log
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from models.rbm import RBM, free_energy, gibbs_step, transpose

MOST_UNITS = 20  # a million states


def all_states(units: int) -> Float[Array, "states units"]:
    """Every vector of so many bits, once: row r holds the bits of the number r, the lowest first."""
    return (jnp.arange(2**units)[:, None] >> jnp.arange(units) & 1).astype(float)


def log_partition(rbm: RBM) -> Float[Array, ""]:
    """Log Z in nats, exactly: one sum over the states of the smaller layer, the other being summed in closed form.

        log Z = log Σ_v exp(−F(v))

    ``ValueError`` where both layers have more than 20 units. Salakhutdinov & Murray 2008.
    """
    smaller = rbm if rbm.visible_bias.size <= rbm.hidden_bias.size else transpose(rbm)
    units = smaller.visible_bias.size
    if units > MOST_UNITS:
        raise ValueError(f"2^{units} states are too many to enumerate: expected at most {MOST_UNITS} units in a layer")
    states = all_states(units).astype(rbm.weights.dtype)
    return jax.nn.logsumexp(-jax.vmap(free_energy, (None, 0))(smaller, states))


def log_likelihood(rbm: RBM, visible: Float[Array, " visible"], log_z: Float[Array, ""]) -> Float[Array, ""]:
    """Log p(v) in nats, given log Z.

        log p(v) = −F(v) − log Z

    With the exact log Z its gradient is ``contrastive_divergence`` of samples of p(v), reversed. Hinton 2010, section
    2.
    """
    return -free_energy(rbm, visible) - log_z


def tempered(rbm: RBM, base_bias: Float[Array, " visible"], inverse_temperature: Float[Array, ""]) -> RBM:
    """The machine that lies between independent visible units and ``rbm``.

        (β W,  (1 − β) a⁰ + β a,  β b),   β = inverse_temperature, a⁰ = base_bias

    At β = 0 no unit knows of another, P(v_i = 1) = σ(a⁰_i); at β = 1 it is ``rbm``. Salakhutdinov & Murray 2008,
    with a base-rate model that has no weights.
    """
    visible_bias = (1 - inverse_temperature) * base_bias + inverse_temperature * rbm.visible_bias
    return RBM(inverse_temperature * rbm.weights, visible_bias, inverse_temperature * rbm.hidden_bias)


def annealed_log_weight(
    key: Key[Array, ""], rbm: RBM, base_bias: Float[Array, " visible"], *, temperatures: int
) -> Float[Array, ""]:
    """The logarithm of one importance weight w, in nats, whose mean is exactly the partition function: E w = Z.

        log w = log Z_0 + Σ_k F_{k−1}(v_k) − F_k(v_k),   v_1 ~ p_0,   v_{k+1} ~ a Gibbs step of p_k from v_k

    p_k is ``tempered`` at β_k = k / temperatures, k = 0 … temperatures, and Z_0 = 2^hidden Π_i (1 + exp a⁰_i). By
    Jensen's inequality E log w ≤ log Z; more temperatures bring the two together. ``ValueError`` for fewer than one
    temperature. Neal 2001; Salakhutdinov & Murray 2008.
    """
    if temperatures < 1:
        raise ValueError(f"annealing takes at least one temperature, got {temperatures}")
    first, later = jax.random.split(key)
    start = jax.random.bernoulli(first, jax.nn.sigmoid(base_bias)).astype(base_bias.dtype)
    betas = jnp.linspace(0.0, 1.0, temperatures + 1, dtype=base_bias.dtype)

    def anneal(carried, step):
        visible, log_weight = carried
        before, after, step_key = step
        colder = tempered(rbm, base_bias, after)
        log_weight += free_energy(tempered(rbm, base_bias, before), visible) - free_energy(colder, visible)
        return (gibbs_step(step_key, colder, visible), log_weight), None

    log_base = rbm.hidden_bias.size * log(2) + jnp.sum(jax.nn.softplus(base_bias))
    steps = (betas[:-1], betas[1:], jax.random.split(later, temperatures))
    return jax.lax.scan(anneal, (start, log_base), steps)[0][1]


class LogPartition(NamedTuple):
    """An estimate of log Z and its standard error, both in nats."""

    value: Float[Array, ""]
    standard_error: Float[Array, ""]


def annealed_log_partition(log_weights: Float[Array, " chains"]) -> LogPartition:
    """Log Z from the weights of independent chains: the logarithm of their mean, in nats.

        log Z ≈ log 1/N Σ_n w_n,   standard error ≈ s / (w̄ √N),   s² = the variance of w

    The error is the delta method's, and itself an estimate: chains that all missed a mode do not know of it.
    Salakhutdinov & Murray 2008.
    """
    count = log_weights.shape[0]
    value = jax.nn.logsumexp(log_weights) - log(count)
    relative = jnp.exp(log_weights - value)
    return LogPartition(value, jnp.std(relative, ddof=1) / count**0.5)
