"""Evolutionary attack: one repainted pixel, or a few, found by differential evolution without any gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import DataError, Dataset, fingerprint
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.networks.digit_classifier.classifier import Classifier
from experiments.numerals import counted
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.vision.evolutionary_attack.card import CARD
from experiments.vision.evolutionary_attack.figures import attack_figures
from models.layers.differential_evolution import Population, evolved
from models.layers.pixels import with_pixels
from models.layers.random_arrays import uniform
from train.evaluation import MetricFn
from train.task import LossFn, Metrics, Params, State, Stream, Task, initial_state

Image = Float[Array, "height width channels"]
Score = Callable[[Float[Array, "members genes"]], Float[Array, " members"]]
AT_A_TIME = 10
"""Images whose candidates the classifier sees at once."""
MOST_PIXELS = 16


@dataclass(frozen=True, kw_only=True)
class EvolutionaryAttackSettings(Settings):
    """Pixels that fool a classifier."""

    loop: Flat[LoopSettings] = LoopSettings(steps=60, batch_size=1, chunk=10, evaluate_every=10, save_every=30)
    images: Flat[GreyImageData] = GreyImageData()
    judge: Flat[ClassifierChoice] = ClassifierChoice()
    pixels: tuple[Annotated[int, Ge(1), Le(MOST_PIXELS)], ...] = (1, 3, 5)
    """how many pixels are repainted; each number is an attack of its own"""
    population: Annotated[int, Ge(4)] = 60
    """candidates for each image"""
    factor: Annotated[float, Gt(0), Le(2)] = 0.5
    """by which the difference of two candidates is multiplied before it is added to a third"""
    examples: Count = 100
    """images that are attacked: the first of the test that the classifier takes for what they are"""

    def __post_init__(self):
        super().__post_init__()
        if not self.pixels or len(set(self.pixels)) < len(self.pixels):
            raise ValueError(f"--pixels takes one number or more, none twice, got {self.pixels}")

    def idle(self) -> dict[str, str]:
        """All images are attacked in each step."""
        return super().idle() | {"batch_size": "as every step is a generation of all images"}


def data(settings: EvolutionaryAttackSettings) -> Dataset:
    """The images that are attacked, numbered, as every split; ``DataError`` where the classifier knows none."""
    dataset = settings.images.load()
    classifier, test = settings.judge.load(dataset), dataset.head("test", 10_000)
    logits = jax.jit(classifier.logits)
    right = [
        np.asarray(logits(classifier.params, test["image"][start : start + 500])).argmax(axis=1)
        == test["label"][start : start + 500]
        for start in range(0, len(test["label"]), 500)
    ]
    known = np.flatnonzero(np.concatenate(right))[: settings.examples]
    if not known.size:
        raise DataError(f"the classifier takes no test image of {dataset.name} for what it is: nothing can be attacked")
    attacked = {name: test[name][known] for name in ("image", "label")}
    attacked["index"] = np.arange(len(known), dtype=np.int32)
    splits = dict.fromkeys(("train", "valid", "test"), attacked)
    protocol = f"{dataset.protocol}; attacked: {counted(len(known), 'test image')} that the classifier knows"
    return dataset._replace(splits=splits, protocol=protocol, fingerprint=fingerprint(splits))


def name_of(pixels: int) -> str:
    """What an attack is called."""
    return f"pixels_{pixels}"


def genes(dataset: Dataset, pixels: int) -> int:
    """Numbers that tell so many pixels: row, column and colour of each."""
    return pixels * (2 + dataset.image_shape[-1])


def repainted(image: Image, candidate: Float[Array, " genes"]) -> Image:
    """The image with the pixels that a candidate tells."""
    return with_pixels(image, candidate.reshape(-1, 2 + image.shape[-1]))


def right_probability(classifier: Classifier, image: Image, label: Int[Array, ""]) -> Score:
    """What a candidate scores: the probability that the image, repainted by it, has for its own class."""

    def score(candidates: Float[Array, "members genes"]) -> Float[Array, " members"]:
        images = jax.vmap(partial(repainted, image))(candidates)
        return jax.nn.softmax(classifier.logits(classifier.params, images))[:, label]

    return score


def task(settings: EvolutionaryAttackSettings, dataset: Dataset) -> Task:
    """A step is a generation of the candidates of every image; the batch is not looked at, and nothing is derived."""
    classifier, examples = settings.judge.load(dataset), jax.device_put(dataset.whole("train"))
    images, labels = examples["image"], examples["label"]

    def of_every_image(function: Callable, key: Key[Array, ""], *given: Array) -> Population:
        keys = jax.random.split(key, len(labels))
        return jax.lax.map(lambda each: function(*each), (images, labels, keys, *given), batch_size=AT_A_TIME)

    def first(count: int, image: Image, label: Array, key: Array) -> Population:
        members = uniform(key, (settings.population, count), image.dtype)
        return Population(members, right_probability(classifier, image, label)(members))

    def following(image: Image, label: Array, key: Array, population: Population) -> Population:
        return evolved(right_probability(classifier, image, label), key, population, factor=settings.factor)

    def of_every_attack(key: Key[Array, ""], make: Callable[[Array, int], Population]) -> Params:
        found = {name_of(pixels): make(jax.random.fold_in(key, pixels), pixels)._asdict() for pixels in settings.pixels}
        return found

    def init(key: Key[Array, ""]) -> State:
        def make(own: Array, pixels: int) -> Population:
            return of_every_image(partial(first, genes(dataset, pixels)), own)

        return initial_state(key, of_every_attack(jax.random.fold_in(key, Stream.INIT), make), ())

    def step(state: State, batch) -> tuple[State, Metrics]:
        def make(own: Array, pixels: int) -> Population:
            return of_every_image(following, own, Population(**state.params[name_of(pixels)]))

        params = of_every_attack(jax.random.fold_in(state.key, state.step), make)
        left = {f"{name}/confidence": 100 * each["scores"].min(axis=1).mean() for name, each in params.items()}
        mean = jnp.mean(jnp.stack(list(left.values())))
        return state._replace(step=state.step + 1, params=params), {"loss": mean} | left

    return Task(init, step)


def best_images(params: Params, batch: dict[str, Array], pixels: int) -> Float[Array, "batch height width channels"]:
    """Each image of a batch with the best pixels that were found for it."""
    found = jax.tree.map(lambda leaf: leaf[batch["index"]], params[name_of(pixels)])
    best = jax.vmap(lambda each: Population(**each).best)(found)
    return jax.vmap(repainted)(batch["image"], best)


def answers(classifier: Classifier, images: Array, labels: Array) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """The probability of the own class, and whether another is more probable, in %."""
    probabilities = jax.nn.softmax(classifier.logits(classifier.params, images))
    own = jnp.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    return 100 * own, 100 * (probabilities.argmax(axis=1) != labels).astype(own.dtype)


def monitor(settings: EvolutionaryAttackSettings, dataset: Dataset) -> LossFn:
    """Of each attack what is left of the right class's probability, and whether it is enough; the loss is the mean of
    the former over the attacks.
    """
    classifier = settings.judge.load(dataset)

    def loss_fn(params, batch, keys):
        metrics = {}
        for pixels in settings.pixels:
            left, success = answers(classifier, best_images(params, batch, pixels), batch["label"])
            metrics |= {f"{name_of(pixels)}/confidence": left, f"{name_of(pixels)}/success": success}
        confidences = [value for name, value in metrics.items() if name.endswith("confidence")]
        return jnp.mean(jnp.stack(confidences), axis=0), metrics

    return loss_fn


def evaluate(settings: EvolutionaryAttackSettings, dataset: Dataset) -> MetricFn:
    """The same, and whether as many random candidates as evolution has tried would have done."""
    classifier, loss_fn = settings.judge.load(dataset), monitor(settings, dataset)

    def random_search(pixels: int, key: Key[Array, ""], image: Image, label: Int[Array, ""]) -> Float[Array, ""]:
        def once(number: Array) -> Float[Array, ""]:
            shape = (settings.population, genes(dataset, pixels))
            drawn = uniform(jax.random.fold_in(jax.random.fold_in(key, pixels), number), shape, image.dtype)
            images = jax.vmap(partial(repainted, image))(drawn)
            return answers(classifier, images, jnp.full(len(images), label))[1].max()

        return jax.lax.map(once, jnp.arange(1 + settings.loop.steps)).max()

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        for pixels in settings.pixels:
            metrics[f"{name_of(pixels)}/random_success"] = jax.lax.map(
                lambda given, pixels=pixels: random_search(pixels, *given),
                (keys, batch["image"], batch["label"]),
                batch_size=AT_A_TIME,
            )
        return {"loss": losses, **metrics}

    return metric_fn


def figures(settings: EvolutionaryAttackSettings, dataset: Dataset, params: Params) -> dict:
    """Images with the best pixels that were found, what they are taken for, and how surely."""
    classifier, examples = settings.judge.load(dataset), dataset.whole("test")

    @jax.jit
    def seen(params, examples):
        attacked = {pixels: best_images(params, examples, pixels) for pixels in settings.pixels}
        return attacked, {
            pixels: jax.nn.softmax(classifier.logits(classifier.params, each)) for pixels, each in attacked.items()
        }

    attacked, probabilities = jax.device_get(seen(params, examples))
    return attack_figures(examples["image"], examples["label"], attacked, probabilities)


OF_ATTACK = ("confidence", "success", "random_success")

EXPERIMENT = Experiment(
    card=CARD,
    settings=EvolutionaryAttackSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "%"}
    | {f"{name_of(pixels)}/{name}": "%" for pixels in range(1, MOST_PIXELS + 1) for name in OF_ATTACK},
)
