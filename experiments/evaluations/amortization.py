"""Variational inference with parameters of its own for every datum, instead of an encoder's."""

from collections.abc import Callable
from enum import IntEnum

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Key

from losses.likelihoods import Likelihood, gaussian_log_likelihood
from models.vae import Gaussian, sample_gaussian

Bound = Callable[[Gaussian, Key[Array, " batch"]], Float[Array, " batch"]]


class InferenceDraw(IntEnum):
    """What an example's own key is folded with, besides ``train.task.Draw``: noise to fit with and noise to measure
    with never meet.
    """

    FIT = 3
    MEASURE = 4


def sampled_elbo(
    decode: Callable, likelihood: Likelihood, images: Float[Array, " batch *shape"], *, samples: int
) -> Bound:
    """The function ``(posterior, keys) →`` ELBO of every image, in nats, from ``samples`` draws of its Gaussian.

        1/K Σ_k log p(x, z_k) − log q(z_k),   z_k ~ q = N(m, exp(s))

    The parameters of q inside of log q(z_k) are held fixed for the derivative: what that leaves out has mean 0, and
    the derivative in m and s then has no variance where q is the posterior (Roeder et al. 2017).
    """
    log_density = jax.vmap(gaussian_log_likelihood)

    def bound(posterior: Gaussian, keys: Key[Array, " batch"]) -> Float[Array, " batch"]:
        fixed, prior = jax.lax.stop_gradient(posterior), jax.tree.map(jnp.zeros_like, posterior)

        def log_weights(number: Array) -> Float[Array, " batch"]:
            latents = jax.vmap(sample_gaussian)(jax.vmap(jax.random.fold_in, (0, None))(keys, number), posterior)
            log_likelihoods = jax.vmap(likelihood.log_likelihood)(images, decode(latents))
            return log_likelihoods + log_density(latents, *prior) - log_density(latents, *fixed)

        return jnp.mean(jax.vmap(log_weights)(jnp.arange(samples)), axis=0)

    return bound


def mean_elbo(
    decode: Callable,
    likelihood: Likelihood,
    images: Float[Array, " batch *shape"],
    keys: Key[Array, " batch"],
    *,
    samples: int,
) -> Callable[[Gaussian], Float[Array, " batch"]]:
    """The function of posteriors that measures the ELBO of every image, in nats, with the same draws for all: so their
    differences have little noise. It draws in blocks of 20.
    """
    bound = sampled_elbo(decode, likelihood, images, samples=1)

    def measure(posterior: Gaussian) -> Float[Array, " batch"]:
        def once(number: Array) -> Float[Array, " batch"]:
            return bound(posterior, jax.vmap(jax.random.fold_in, (0, None))(keys, number))

        return jax.lax.map(once, jnp.arange(samples), batch_size=20).mean(axis=0)

    return measure


def fit_posteriors(
    bound: Bound, start: Gaussian, keys: Key[Array, " batch"], *, steps: int, learning_rate: float
) -> tuple[Gaussian, Float[Array, "steps batch"]]:
    """Every datum's own ψ = (m, s) after ascent on its bound from ``start``, and its bound at each step.

        ψ_i ← ψ_i + Adam(∂ELBO(x_i; ψ_i) / ∂ψ_i)

    Each step draws anew, so there is no noise to fit; the rate falls to 0 along a cosine. No datum's ascent depends on
    another's. Hoffman et al. 2013 (local variational parameters); Kim et al. 2018 and Cremer et al. 2018 (from an
    encoder's output).
    """
    schedule = optax.cosine_decay_schedule(learning_rate, steps)
    optimizer = optax.adam(lambda count: schedule(jnp.asarray(count, float)))  # Optax mixes the count with its floats

    def step(carry: tuple, number: Array) -> tuple[tuple, Float[Array, " batch"]]:
        posterior, state = carry
        step_keys = jax.vmap(jax.random.fold_in, (0, None))(keys, number)

        def loss(given: Gaussian) -> tuple[Float[Array, ""], Float[Array, " batch"]]:
            bounds = bound(given, step_keys)
            return -jnp.sum(bounds), bounds

        gradient, bounds = jax.grad(loss, has_aux=True)(posterior)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(posterior, updates), state), bounds

    (posterior, _), bounds = jax.lax.scan(step, (start, optimizer.init(start)), jnp.arange(steps))
    return posterior, bounds
