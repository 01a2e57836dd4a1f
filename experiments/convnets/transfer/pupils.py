"""Nets that learn new classes from a few labels, most of them with the trunk of a net that knows other classes.

There are several draws, each of first weights and of labelled examples. In each, a *source* learns the first classes;
then *pupils* of the same form learn the others, full batch, one for each way and number of labels.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key, PyTree

from experiments.objectives.classification import classification_loss
from experiments.objectives.layerwise_pretraining import in_stages
from train.descent import mean_loss
from train.task import LossFn, Params, Phase, State, Stream, Task, initial_state, task_of_phases

WAYS = {"scratch": (False, 1.0), "frozen": (True, 0.0), "tuned": (True, 1.0)}
"""Whether a pupil begins with the source's trunk, and at what share of the learning rate its trunk moves."""
LABELS = (5, 10, 20)
"""Labelled examples of each new class."""
PUPILS = tuple(f"{way}_{labels}" for way in WAYS for labels in LABELS)
"""The pupils of a draw, in the order of their axis."""


def per_pupil(of_way: Callable[[str], float]) -> Float[np.ndarray, " pupils"]:
    """A number for each pupil that depends on its way alone."""
    return np.repeat(np.array([float(of_way(way)) for way in WAYS]), len(LABELS))


class Pool(NamedTuple):
    """Training examples of the new classes, from which each draw takes its own."""

    image: Float[Array, "examples height width channels"]
    label: Int[Array, " examples"]
    """from 0"""
    classes: int

    def labelled(self, key: Key[Array, ""]) -> Int[Array, " chosen"]:
        """Which of them are labelled: as many of each class as the largest of ``LABELS``, class by class."""
        scores = jax.random.uniform(key, self.label.shape)
        of_class = self.label == jnp.arange(self.classes)[:, None]
        _, chosen = jax.lax.top_k(jnp.where(of_class, scores, -1.0), max(LABELS))
        return chosen.ravel()

    def weights(self) -> Float[np.ndarray, "pupils chosen"]:
        """Of each labelled example in each pupil's loss: their means over all are means over the pupil's own."""
        rank = np.tile(np.arange(max(LABELS)), self.classes)
        shares = [(rank < labels) * (max(LABELS) / labels) for labels in LABELS]
        return np.tile(np.array(shares), (len(WAYS), 1))


class Trunk(NamedTuple):
    """The first layers of a net."""

    modules: tuple[str, ...]
    """what they are called"""

    def mask(self, net: Params) -> PyTree[bool]:
        """Of each parameter whether it belongs to the trunk."""
        return jax.tree.map_with_path(lambda path, _: path[1].key in self.modules, net)


def weighted_loss(loss_fn: LossFn) -> LossFn:
    """``loss_fn`` with each example's loss times its ``weight``."""

    def weighted(params, batch, keys):
        losses, _ = loss_fn(params, batch, keys)
        return losses * batch["weight"], {}

    return weighted


def source_phase(loss_fn: LossFn, optimizer: optax.GradientTransformation, trunk: Trunk, classes: int) -> Phase:
    """Sources learn the batch's examples of the first ``classes``; the pupils that begin with their trunks have them at
    every step.
    """
    begins = per_pupil(lambda way: WAYS[way][0])

    def gradient(state: State, batch, keys):
        known = batch["label"] < classes
        seen = batch | {"label": jnp.where(known, batch["label"], 0), "weight": known.astype(batch["image"].dtype)}
        of_net = jax.grad(mean_loss(weighted_loss(loss_fn)), has_aux=True)
        gradients, metrics = jax.lax.map(lambda net: of_net(net, seen, keys), state.params["source"])
        still = jax.tree.map(jnp.zeros_like, state.params["pupils"])
        return {"source": gradients, "pupils": still}, {"stage_loss": metrics["loss"].mean()}

    def update(state: State, gradient) -> State:
        updates, moved = jax.vmap(optimizer.update)(
            gradient["source"], state.opt_state["source"], state.params["source"]
        )
        source = optax.apply_updates(state.params["source"], updates)

        def taken(of_trunk: bool, of_source: Array, of_pupils: Array) -> Array:
            takes = jnp.reshape(begins, (-1, *[1] * (of_source.ndim - 1))) * of_trunk
            return jnp.where(takes > 0, of_source[:, None], of_pupils)

        pupils = jax.tree.map(taken, trunk.mask(source), source, state.params["pupils"])
        return state._replace(
            params={"source": source, "pupils": pupils}, opt_state=state.opt_state | {"source": moved}
        )

    return Phase(gradient, update)


def pupils_phase(loss_fn: LossFn, optimizer: optax.GradientTransformation, trunk: Trunk, pool: Pool) -> Phase:
    """Pupils learn from their labelled examples, all at once; the batch is not looked at."""
    weights, moves = jnp.asarray(pool.weights()), per_pupil(lambda way: WAYS[way][1])

    def gradient(state: State, batch, keys):
        of_net = jax.grad(mean_loss(weighted_loss(loss_fn)), has_aux=True)
        seen = jax.random.split(keys[0], weights.shape[1])

        def of_draw(draw):
            pupils, chosen = draw
            examples = {"image": pool.image[chosen], "label": pool.label[chosen]}
            return jax.lax.map(lambda each: of_net(each[0], examples | {"weight": each[1]}, seen), (pupils, weights))

        gradients, metrics = jax.lax.map(of_draw, (state.params["pupils"], state.carried["labelled"]))
        still = jax.tree.map(jnp.zeros_like, state.params["source"])
        return {"source": still, "pupils": gradients}, {"stage_loss": metrics["loss"].mean()}

    def update(state: State, gradient) -> State:
        pupils = state.params["pupils"]
        each = jax.vmap(jax.vmap(optimizer.update))
        updates, moved = each(gradient["pupils"], state.opt_state["pupils"], pupils)

        def slowed(of_trunk: bool, update: Array) -> Array:
            return update * jnp.reshape(moves, (-1, *[1] * (update.ndim - 2))) if of_trunk else update

        pupils = optax.apply_updates(pupils, jax.tree.map(slowed, trunk.mask(pupils), updates))
        return state._replace(params=state.params | {"pupils": pupils}, opt_state=state.opt_state | {"pupils": moved})

    return Phase(gradient, update)


def transfer_task(
    model: nn.Module,
    trunk: Trunk,
    pool: Pool,
    *,
    first_classes: int,
    draws: int,
    pretrain_steps: int,
    source_optimizer: optax.GradientTransformation,
    pupil_optimizer: optax.GradientTransformation,
) -> Task:
    """``pretrain_steps`` updates of the sources on ``first_classes``, then updates of the pupils on those of the pool.

    All pupils of a draw start from the same weights, but for the trunks that they take.
    """
    loss_fn = classification_loss(lambda keys, params, images: model.apply(params, images), "cross_entropy")

    def init(key: Key[Array, ""]) -> State:
        source_key, pupil_key, label_key = jax.random.split(jax.random.fold_in(key, Stream.INIT), 3)
        source, fresh = (
            jax.vmap(model.init, (0, None))(jax.random.split(each, draws), pool.image[:1])
            for each in (source_key, pupil_key)
        )
        pupils = jax.tree.map(lambda leaf: jnp.repeat(leaf[:, None], len(PUPILS), axis=1), fresh)
        opt_state = {
            "source": jax.vmap(source_optimizer.init)(source),
            "pupils": jax.vmap(jax.vmap(pupil_optimizer.init))(pupils),
        }
        state = initial_state(key, {"source": source, "pupils": pupils}, opt_state)
        return state._replace(carried={"labelled": jax.vmap(pool.labelled)(jax.random.split(label_key, draws))})

    first = source_phase(loss_fn, source_optimizer, trunk, first_classes)
    then = pupils_phase(loss_fn, pupil_optimizer, trunk, pool)
    return task_of_phases(init, [in_stages([first, then], pretrain_steps)])
