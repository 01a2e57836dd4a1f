"""The variational bound of a diffusion over a batch, and a schedule that is learnt so that draws of it vary little."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from losses.variational_diffusion import denoising_nats, prior_nats, reconstruction_nats
from models.layers.diffusion import diffuse
from models.layers.random_arrays import normal
from models.layers.signal_ratios import ratio_of_log
from train.task import LossFn, Params

LogRatio = Callable[[Params, Float[Array, ""]], Float[Array, ""]]
"""``(schedule's parameters, time) → λ``"""
Denoiser = Callable[[Params, Float[Array, "batch ..."], Float[Array, " batch"]], Float[Array, "batch ..."]]
"""``(parameters, noisy, ratios) → the noise``"""


def missed_nats(
    apply: Denoiser,
    log_ratio: LogRatio,
    params: Params,
    examples: Float[Array, " batch *shape"],
    times: Float[Array, " batch"],
    keys: Key[Array, " batch"],
) -> Float[Array, " batch"]:
    """The bound's integrand at a time of each example, for one draw of noise. Kingma et al. 2021, equation 17."""
    log_ratios, slopes = jax.vmap(jax.value_and_grad(partial(log_ratio, params["schedule"])))(times)
    ratios = ratio_of_log(log_ratios)
    noises = jax.vmap(lambda key, example: normal(key, example.shape, example.dtype))(keys, examples)
    found = apply(params["denoiser"], jax.vmap(diffuse)(examples, noises, ratios), ratios)
    return jax.vmap(denoising_nats)(noises, found, slopes)


def ends_nats(log_ratio: LogRatio, params: Params, example: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The bound's two terms of the ends."""
    first, last = (log_ratio(params["schedule"], jnp.asarray(time, example.dtype)) for time in (0.0, 1.0))
    return prior_nats(example, last) + reconstruction_nats(first, dimensions=example.size)


def variational_loss(apply: Denoiser, log_ratio: LogRatio) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {nll})``: one time and one draw of noise per example.

    ``nll`` is the bound in nats. Where the schedule has parameters of its own, its ends descend on the bound as the
    denoiser does; what lies between them, which no bound depends on, on the mean square of the integrand, which is its
    variance but for a constant. Kingma et al. 2021, section 5.1 and appendix D.
    """

    def loss_fn(params, batch, keys):
        points, pairs = batch["point"], jax.vmap(jax.random.split)(keys)
        times = jax.vmap(lambda key: jax.random.uniform(key, (), points.dtype))(pairs[:, 0])
        for_bound, for_variance = _divided(params)
        bounds = missed_nats(apply, log_ratio, for_bound, points, times, pairs[:, 1])
        bounds += jax.vmap(partial(ends_nats, log_ratio, for_bound))(points)
        if not params["schedule"]:
            return bounds, {"nll": bounds}
        squares = missed_nats(apply, log_ratio, for_variance, points, times, pairs[:, 1]) ** 2
        return bounds + squares, {"nll": bounds}

    return loss_fn


def _divided(params: Params) -> tuple[Params, Params]:
    """The parameters as the bound moves them, and as the variance does: each stands still for the other."""
    still, schedule = jax.lax.stop_gradient(params), params["schedule"]
    if not schedule:
        return params, still
    for_bound = still["schedule"]._replace(ends=schedule.ends)
    for_variance = schedule._replace(ends=still["schedule"].ends)
    return params | {"schedule": for_bound}, still | {"schedule": for_variance}
