"""Nets that are attacked: several of each kind, each with first weights of its own, in one run."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from losses.attacks import fast_gradient, projected_gradient
from losses.classification import CLASSIFICATION_LOSSES
from models.layers.perturbation import RANDOM_WITHIN, Norm
from train.players import Learner
from train.task import LossFn, Params

Images = Float[Array, "images height width channels"]
Labels = Int[Array, " images"]
Classify = Callable[[Images], Float[Array, "images classes"]]

RANGE, UNCLIPPED = (0.0, 1.0), (float("-inf"), float("inf"))
LONG = 2.5
"""How many radii all steps of an iterated attack are long together. Madry et al. 2018, section 5.1."""


class Attack(NamedTuple):
    """How images are changed."""

    radius: float | Float[Array, ""]
    steps: int = 0
    """of the iterated method; 0: one step of the fast gradient method"""
    norm: Norm = "linf"
    clip: tuple[float, float] = RANGE
    targeted: bool = False
    """whether labels say what images are to be taken for"""

    def on(self, classify: Classify, images: Images, labels: Labels) -> Images:
        """The images, changed against one net; iterated attacks start from the images."""
        return jax.vmap(partial(self._of_one, classify))(images, labels, images)

    def from_random(self, classify: Classify, keys: Key[Array, " images"], images: Images, labels: Labels) -> Images:
        """The same, each image from a random point of its ball."""
        starts = jax.vmap(partial(RANDOM_WITHIN[self.norm], radius=self.radius))(keys, images)
        return jax.vmap(partial(self._of_one, classify))(images, labels, starts)

    def _of_one(self, classify: Classify, image: Array, label: Array, start: Array) -> Array:
        def loss(value: Array) -> Array:
            of_label = CLASSIFICATION_LOSSES["cross_entropy"](classify(value[None])[0], label)
            return -of_label if self.targeted else of_label

        options = dict(radius=self.radius, norm=self.norm, clip=self.clip)
        if not self.steps:
            return fast_gradient(loss, image, **options)
        step_size = LONG * self.radius / self.steps
        return projected_gradient(loss, image, start, step_size=step_size, steps=self.steps, **options)


def adversarial_training(apply: Callable, loss_fn: LossFn, attack: Attack, share: float) -> LossFn:
    """A loss of which a share is that of the images as they are when they attack the net that is trained.

        (1 − s) L(x) + s L(x'),   x' = Π(x + …), through which no gradient is taken

    Goodfellow et al. 2015, section 6 (one step, s = ½); Madry et al. 2018, equation 2.1 (s = 1).
    """

    def loss_of_both(params, batch, keys):
        images = attack.from_random(partial(apply, jax.lax.stop_gradient(params)), keys, batch["image"], batch["label"])
        clean, metrics = loss_fn(params, batch, keys)
        attacked, _ = loss_fn(params, batch | {"image": jax.lax.stop_gradient(images)}, keys)
        return (1 - share) * clean + share * attacked, metrics

    return loss_of_both


def several(learner: Learner, count: int) -> Learner:
    """So many nets in the place of one, on a leading axis of the parameters: the same batches, other first weights."""

    def loss_fn(params, batch, keys):
        def of_one(net: tuple[Params, Array]) -> Array:
            of_net = jax.vmap(partial(jax.random.fold_in, data=net[1]))(keys)
            return learner.loss_fn(net[0], batch, of_net)[0]

        return jax.lax.map(of_one, (params, jnp.arange(count))).sum(axis=0), {}

    optimizer = optax.GradientTransformation(jax.vmap(learner.optimizer.init), jax.vmap(learner.optimizer.update))
    return Learner(loss_fn, lambda key: jax.vmap(learner.init_params)(jax.random.split(key, count)), optimizer)
