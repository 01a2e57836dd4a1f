"""What attacks do to nets: to those that they are made for, and to others."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from experiments.vision.adversarial.nets import Attack, Classify, Images, Labels
from losses.classification import zero_one_loss
from train.measures import Ratio
from train.task import Params

MEASURES = (
    "error", "fgsm_error", "fgsm_confidence", "unclipped_error", "unclipped_confidence", "iterated_error", "l2_error",
    "targeted",
)  # fmt: skip
"""Of each kind of net, all in %."""


def over_draws(function: Callable[[Any], Any], draws: Any) -> Any:
    """The mean of what a function makes of each draw, one after the other."""
    return jax.tree.map(lambda leaf: leaf.mean(axis=0), jax.lax.map(function, draws))


def wrong(classify: Classify, images: Images, labels: Labels) -> Float[Array, " images"]:
    """100 where an image is taken for another class than its own, 0 otherwise."""
    return 100 * jax.vmap(zero_one_loss)(classify(images), labels)


def confidence_when_wrong(classify: Classify, images: Images, labels: Labels) -> Ratio:
    """The greatest probability in % of an image that is taken for another class than its own; others do not count."""
    logits = classify(images)
    mistaken = jax.vmap(zero_one_loss)(logits, labels)
    return Ratio(100 * mistaken * jax.nn.softmax(logits).max(axis=1), mistaken)


class Contest(NamedTuple):
    """Kinds of classifiers, of each of which there are several, and the attacks that they meet.

    Parameters are those of all, by kind, with a leading axis of draws.
    """

    nets: Mapping[str, nn.Module]
    attacks: Mapping[str, Attack]
    """fgsm, unclipped, iterated and l2"""
    aimed: Attack
    """which is targeted: at the class after an image's own"""
    classes: int
    draws: int

    def classify(self, kind: str, net: Params) -> Classify:
        """One net as a function of images."""
        return partial(self.nets[kind].apply, net)

    def measure(self, kind: str, images: Images, labels: Labels, net: Params) -> dict[str, Any]:
        """Errors of one net on images as they are and on images that attack it, how sure it is of its mistakes, and how
        often it takes an image for the class that was aimed at.
        """
        classify = self.classify(kind, net)
        found: dict[str, Any] = {"error": wrong(classify, images, labels)}
        for name, attack in self.attacks.items():
            attacked = attack.on(classify, images, labels)
            found[f"{name}_error"] = wrong(classify, attacked, labels)
            if name in ("fgsm", "unclipped"):
                found[f"{name}_confidence"] = confidence_when_wrong(classify, attacked, labels)
        target = (labels + 1) % self.classes
        return found | {"targeted": 100 - wrong(classify, self.aimed.on(classify, images, target), target)}

    def errors(
        self, kind: str, attack: Attack, params: Params, images: Images, labels: Labels
    ) -> Float[Array, " draws"]:
        """The error in % of each net of a kind on images that attack it."""

        def of_draw(net: Params) -> Array:
            classify = self.classify(kind, net)
            return wrong(classify, attack.on(classify, images, labels), labels).mean()

        return jax.lax.map(of_draw, params[kind])

    def transferred(
        self, params: Params, images: Images, labels: Labels
    ) -> dict[tuple[str, str], Float[Array, " images"]]:
        """Errors in % on images that attack another net by the fast gradient sign method, means over the draws.

        The net that is attacked is of the same draw; where both are of one kind, it is of the draw before. Softmax
        regression begins at zero, so that all of its draws are one net, and none of them is another.
        """

        def made(kind: str) -> Array:
            return jax.lax.map(
                lambda net: self.attacks["fgsm"].on(self.classify(kind, net), images, labels), params[kind]
            )

        attacked = {kind: made(kind) for kind in self.nets}

        def of_pair(maker: str, judge: str) -> Array:
            shown = jnp.roll(attacked[maker], 1, axis=0) if maker == judge else attacked[maker]
            return over_draws(
                lambda given: wrong(self.classify(judge, given[0]), given[1], labels), (params[judge], shown)
            )

        others = {kind for kind in self.nets if kind != "softmax" and self.draws > 1}
        pairs = product(self.nets, repeat=2)
        return {pair: of_pair(*pair) for pair in pairs if pair[0] != pair[1] or pair[0] in others}

    def on_the_first(self, params: Params, images: Images, labels: Labels) -> dict[str, Images]:
        """Images as they attack the first convolutional net, or what stands in for it, by attack."""
        kind = "conv" if "conv" in self.nets else next(iter(self.nets))
        classify = self.classify(kind, jax.tree.map(lambda leaf: leaf[0], params[kind]))
        return {name: self.attacks[name].on(classify, images, labels) for name in ("fgsm", "iterated", "l2")}
