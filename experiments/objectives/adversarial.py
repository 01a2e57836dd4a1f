"""A game of a generator and a discriminator over a batch, whatever they are networks of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from experiments.networks.adversarial import Game
from experiments.objectives.observation import drawing
from experiments.run.settings import Flat, LoopSettings, Settings
from losses.adversarial import ADVERSARIAL_LOSSES, between, gradient_penalty
from models import batch_norm, spectral
from models.spectral import SpectrallyNormalized
from train.optimizers import UpdateRule, make_optimizer
from train.players import Player, alternating
from train.statistics import Follow, Statistics, moving_average
from train.task import Batch, LossFn, Params, Task

Network = nn.Module | SpectrallyNormalized
Examples = Float[Array, "batch ..."]
KEPT = [batch_norm.COLLECTION, spectral.COLLECTION]


class AdversarialDraw(IntEnum):
    """What an example of a game draws for."""

    LATENT = 0
    SHARE = 1


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings(Settings):
    """A generator against a discriminator, each with an optimiser of its own."""

    loop: Flat[LoopSettings] = LoopSettings()
    game: Flat[Game] = Game()
    generator: UpdateRule = UpdateRule(beta1=0.5)
    discriminator: UpdateRule = UpdateRule(beta1=0.5)

    def __post_init__(self):
        super().__post_init__()
        self.game.check(self.loop.batch_size)

    @property
    def together(self) -> int:
        """Examples that are normalised together."""
        return self.game.together(self.loop.batch_size)


class Adversaries(NamedTuple):
    """What the two do with a batch in training; statistics are what their networks' collections are to follow."""

    generate: Callable[[Params, Batch, Key[Array, " batch"]], tuple[Examples, Statistics]]
    """examples of the generator's parameters"""
    judge: Callable[[Params, Examples, Batch], tuple[Float[Array, " batch"], Statistics]]
    """logits of the discriminator's parameters, for examples that may be real ones of the batch or generated"""
    real: Callable[[Batch], Examples]
    """the real examples of a batch"""


def latents(keys: Key[Array, " batch"], size: int) -> Float[Array, "batch {size}"]:
    """Standard normal numbers, new for each update of each step."""
    return jax.vmap(lambda key: jax.random.normal(key, (size,)))(drawing(keys, AdversarialDraw.LATENT))


def drawn(generator: nn.Module, own: Params, key: Key[Array, "*batch"], count: int, latent: int) -> Float[Array, "..."]:
    """Examples [*batch, count, …] of latents drawn with each key, normalised by the running statistics."""
    draw = jnp.vectorize(lambda key: jax.random.normal(key, (count, latent)), signature="()->(n,k)")
    examples = generator.apply(own, draw(key).reshape(-1, latent))
    return examples.reshape(*key.shape, count, *examples.shape[1:])


def unconditional(generator: nn.Module, discriminator: Network, *, latent: int, name: str) -> Adversaries:
    """A generator of ``batch[name]`` from latents alone."""
    return Adversaries(
        lambda own, batch, keys: generator.apply(own, latents(keys, latent), training=True, mutable=KEPT),
        lambda own, examples, batch: discriminator.apply(own, examples, training=True, mutable=KEPT),
        lambda batch: batch[name],
    )


def following(decay: float) -> Follow:
    """Running statistics follow those of the batch, and singular vectors are what their iteration has made of them."""

    def follow(params: Params, statistics: Statistics) -> Params:
        if batch_norm.COLLECTION in statistics:
            params = moving_average(batch_norm.COLLECTION, decay)(params, statistics[batch_norm.COLLECTION])
        vectors = {name: tree for name, tree in statistics.items() if name == spectral.COLLECTION}
        return {**params, **vectors}

    return follow


def discriminator_loss(game: Game, adversaries: Adversaries) -> LossFn:
    """What is lost in telling real examples from generated ones; ``told_apart`` is the share told rightly, in %."""
    loss = ADVERSARIAL_LOSSES[game.loss].discriminator

    def loss_fn(params: Params, batch: Batch, keys: Key[Array, " batch"]) -> tuple:
        own, real = params["discriminator"], adversaries.real(batch)
        generated, _ = adversaries.generate(params["generator"], batch, keys)
        (of_real, seen), (of_generated, also_seen) = (adversaries.judge(own, x, batch) for x in (real, generated))
        losses = jax.vmap(loss)(of_real, of_generated)
        if game.gradient_penalty:
            slopes = slopes_between(lambda x: adversaries.judge(own, x, batch)[0], real, generated, keys)
            losses += game.gradient_penalty * jax.vmap(gradient_penalty)(slopes)
        right = (of_real > 0).astype(losses.dtype) + (of_generated < 0).astype(losses.dtype)
        statistics = jax.tree.map(lambda a, b: (a + b) / 2, seen, also_seen)
        return losses, {"told_apart": 50 * right}, statistics

    return loss_fn


def slopes_between(
    judge: Callable[[Examples], Float[Array, " batch"]], real: Examples, generated: Examples, keys: Key[Array, " batch"]
) -> Examples:
    """The judgement's gradient at random places between each real example and the generated one beside it."""
    shares = jax.vmap(jax.random.uniform)(drawing(keys, AdversarialDraw.SHARE))
    return jax.grad(lambda places: jnp.sum(judge(places)))(jax.vmap(between)(real, generated, shares))


def generator_loss(game: Game, adversaries: Adversaries) -> LossFn:
    """What the generator loses where the discriminator is not deceived."""
    loss = ADVERSARIAL_LOSSES[game.loss].generator

    def loss_fn(params: Params, batch: Batch, keys: Key[Array, " batch"]) -> tuple:
        generated, seen = adversaries.generate(params["generator"], batch, keys)
        judged, _ = adversaries.judge(params["discriminator"], generated, batch)
        return jax.vmap(loss)(judged), {}, seen

    return loss_fn


def adversarial_players(settings: AdversarialSettings, adversaries: Adversaries) -> dict[str, Player]:
    """The discriminator, who moves first, and the generator."""
    game, follow = settings.game, following(settings.game.statistics_decay)
    rules = {
        name: make_optimizer(getattr(settings, name), settings.loop.steps) for name in ("discriminator", "generator")
    }
    return {
        "discriminator": Player(
            discriminator_loss(game, adversaries), rules["discriminator"], game.updates, follow=follow
        ),
        "generator": Player(generator_loss(game, adversaries), rules["generator"], follow=follow),
    }


def adversarial_task(
    settings: AdversarialSettings, generator: nn.Module, discriminator: Network, *, name: str, example: Any
) -> Task:
    """The game over ``batch[name]``, of which ``example`` is one."""
    size, latent = settings.together, settings.game.latent
    adversaries = unconditional(generator, discriminator, latent=latent, name=name)

    def init_params(key: Key[Array, ""]) -> dict[str, Params]:
        of_generator, of_discriminator = jax.random.split(key)
        return {
            "generator": generator.init(of_generator, jnp.zeros((size, latent), jnp.float32)),
            "discriminator": discriminator.init(of_discriminator, jnp.zeros((size, *example.shape[1:]), jnp.float32)),
        }

    return alternating(adversarial_players(settings, adversaries), init_params)
