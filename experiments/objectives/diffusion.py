"""Diffusion over a batch: the loss of what is said of noisy examples, and examples that are drawn by saying it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Le
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key

from experiments.errors import WrongInput
from experiments.networks.diffusion import Diffusion, SamplerName, Sampling, step_of
from experiments.objectives.observation import drawing
from experiments.run.sampling import SampleOptions
from experiments.run.settings import Count
from models.denoising import Passed, denoise
from models.layers.diffusion import diffuse, estimate, guide, prediction_target
from models.layers.random_arrays import normal
from train.task import Draw, LossFn, Params

Clean = Callable[[dict[str, Array]], Float[Array, "batch ..."]]
"""A batch's examples as they are diffused: of mean 0 and variance about 1, or within ± 1"""
Said = Callable[[Float[Array, "batch ..."], Float[Array, " batch"]], Float[Array, "batch ..."]]
"""``(noisy, ratios) → what is predicted``"""


@dataclass(frozen=True, kw_only=True)
class DenoisingOptions(SampleOptions):
    """How an example is drawn from noise; what has no value is as in the run's evaluation."""

    sampler: SamplerName | None = None
    """how noise becomes an example: ddim; ddpm, of the lower variance or the upper; second_order; lecture, where the
    noise that was found is injected again, or a fresh one"""
    steps: Count | None = None
    """from noise to an example; second_order asks the network twice in each"""
    eta: Annotated[float, Ge(0), Le(1)] | None = None
    """of ddim: share of ddpm's deviation that is drawn anew"""

    def sampling(self, process: Diffusion, evaluated: Sampling) -> Sampling:
        """The run's sampling with these options; ``WrongInput`` where its process has not so many steps."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        named = {{"steps": "sampling_steps"}.get(name, name): value for name, value in given.items()}
        known = {field.name for field in fields(evaluated)}
        found = replace(evaluated, **{name: value for name, value in named.items() if name in known})
        try:
            process.check(found.sampling_steps, "--steps")
        except ValueError as error:
            raise WrongInput(str(error)) from error
        return found


def diffusion_loss(
    apply: Callable, process: Diffusion, clean_of: Clean, *, classes: int = 0, unlabelled: float = 0.0
) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {})`` of ``apply(keys, params, noisy, ratios, labels)``.

        mean_i (target_i − G(x_t, ᾱ_t)_i)²,   t uniform,   x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε

    The mean over an example's numbers. With ``classes`` the network is told the "label", but for the share
    ``unlabelled`` of examples, of which it is told ``classes``, which is none. Ho et al. 2020, equation 14; Ho &
    Salimans 2022, algorithm 1. Lecture 003, section 4.4.1.
    """
    ratios = process.ratios()

    def one(clean: Array, key: Key[Array, ""]) -> tuple[Array, Array, Array, Array]:
        step_key, noise_key, label_key = jax.random.split(key, 3)
        ratio = ratios[jax.random.randint(step_key, (), 0, len(ratios))]
        noise = normal(noise_key, clean.shape, clean.dtype)
        target = prediction_target(clean, noise, ratio, predicted=process.predicted)
        return diffuse(clean, noise, ratio), ratio, target, jax.random.bernoulli(label_key, unlabelled)

    def loss_fn(params, batch, keys):
        noisy, ratio, target, hidden = jax.vmap(one)(clean_of(batch), drawing(keys, Draw.SAMPLE))
        labels = jnp.where(hidden, classes, batch["label"].astype(jnp.int32)) if classes else None
        said = apply(drawing(keys, Draw.DROPOUT), params, noisy, ratio, labels)
        return jnp.mean((said - target).reshape(len(target), -1) ** 2, axis=1), {}

    return loss_fn


def guided(
    apply: Callable, params: Params, labels: Int[Array, " batch"] | None, *, classes: int, guidance: float
) -> Said:
    """What a network says of noisy examples of these labels, and beyond what it says without a label."""

    def said(noisy, ratios):
        if labels is None or guidance == 0:
            return apply(params, noisy, ratios, labels)
        both = jnp.concatenate([labels, jnp.full_like(labels, classes)])
        told, untold = jnp.split(apply(params, *(jnp.concatenate([each] * 2) for each in (noisy, ratios)), both), 2)
        return guide(told, untold, guidance=guidance)

    return said


def drawn(
    key: Key[Array, ""],
    said: Said,
    shape: tuple[int, ...],
    process: Diffusion,
    sampling: Sampling,
    *,
    bound: float = jnp.inf,
) -> tuple[Float[Array, "*shape"], Passed]:
    """One example that noise becomes, and what it was on the way.

    ``said`` is called with a batch of one. Ho et al. 2020, algorithm 2; Song et al. 2021.
    """
    begin_key, steps_key = jax.random.split(key)
    return become(steps_key, normal(begin_key, shape), said, process, sampling, bound=bound)


def drawn_between(
    key: Key[Array, ""],
    said: Said,
    shape: tuple[int, ...],
    process: Diffusion,
    sampling: Sampling,
    *,
    between: Callable[[Float[Array, " 2 *shape"]], Float[Array, " n *shape"]],
    bound: float = jnp.inf,
) -> Float[Array, " n *shape"]:
    """What becomes of noise on the way between two noises, the first of them that of ``drawn``.

    Where a sampler draws more noise, it is the same for all. Song et al. 2021, section 5.3.
    """
    begin_key, steps_key = jax.random.split(key)
    noises = between(normal(begin_key, (2, *shape)))
    return jax.lax.map(lambda noise: become(steps_key, noise, said, process, sampling, bound=bound)[0], noises)


def become(
    key: Key[Array, ""],
    noise: Float[Array, "*shape"],
    said: Said,
    process: Diffusion,
    sampling: Sampling,
    *,
    bound: float = jnp.inf,
) -> tuple[Float[Array, "*shape"], Passed]:
    """What this noise becomes, and what it was on the way."""

    def estimate_of(noisy: Array, ratio: Array):
        return estimate(noisy, said(noisy[None], ratio[None])[0], ratio, predicted=process.predicted, bound=bound)

    return denoise(
        key,
        noise,
        process.ratios(sampling.sampling_steps),
        step=step_of(sampling.sampler, eta=sampling.eta),
        estimate=estimate_of,
    )


def drawn_points(
    model: nn.Module,
    params: Params,
    process: Diffusion,
    sampling: Sampling,
    keys: Key[Array, " points"],
    *,
    dimensions: int,
    bound: float,
) -> tuple[Float[Array, "points dimensions"], Passed]:
    """Points that a network draws, one a key, within ± ``bound``, and what they were on the way."""

    def said(noisy: Array, ratios: Array) -> Array:
        return model.apply(params, noisy, ratios)

    return jax.vmap(lambda key: drawn(key, said, (dimensions,), process, sampling, bound=bound))(keys)
