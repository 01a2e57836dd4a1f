"""Fast style transfer: a network learns to repaint any picture in one style in one pass."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.images.crops import photograph_crops, pictures_in
from experiments.datasets.images.photographs import photograph
from experiments.networks.perceptual import PerceptualNetwork
from experiments.objectives.perceptual import PerceptualErrors, PerceptualObjective, Pictures, Seer
from experiments.plots.pictures import titled_pictures
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from experiments.vision.fast_style_transfer.card import CARD
from experiments.vision.fast_style_transfer.descent import descended
from experiments.vision.fast_style_transfer.figures import descent_curve, repainted_crops
from models.transformation import TransformationNet
from train.evaluation import WholeSet
from train.optimizers import Optimization, Positive, make_optimizer
from train.task import LossFn, Params, Task, supervised

WHOLE = 2
"""Times a crop's side that the longer side of the whole picture in the figures has."""


@dataclass(frozen=True, kw_only=True)
class FastStyleTransferSettings(Settings):
    """A network that repaints pictures."""

    loop: Flat[LoopSettings] = LoopSettings(steps=500, batch_size=4, evaluate_every=50)
    perceptual: Flat[PerceptualNetwork] = PerceptualNetwork()
    objective: Flat[PerceptualObjective] = PerceptualObjective(
        constants="johnson", style_weight=0.5, variation_weight=1e-4
    )
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, schedule="cosine")
    photographs: Path | None = None
    """a folder of PNG or JPEG pictures to learn from; without one scikit-learn's photographs but for the style"""
    style: Path | None = None
    """a PNG or JPEG in whose style is painted; without one scikit-learn's photograph of a flower"""
    style_size: Annotated[int, Ge(0)] = 96
    """pixels of the style's longer side to which a larger one is made smaller; 0: its size as it is"""
    crop_size: Count = 48
    """pixels of a side of the crops that are learnt from"""
    crops: Count = 500
    """crops for training"""
    held_out: Count = 20
    """crops for validation, and as many for the test"""
    widths: tuple[Count, ...] = (12, 24)
    """features of the first convolution, and of each of those that halve the picture"""
    blocks: Annotated[int, Ge(0)] = 3
    """residual blocks"""
    normalization: Literal["instance", "none"] = "instance"
    """of each channel of each picture, or none"""
    compared: Annotated[int, Ge(1), OfEvaluation] = 8
    """test crops at most that are also painted by descent in their own values"""
    descent_steps: Annotated[int, Ge(1), OfEvaluation] = 100
    """steps of that descent"""
    descent_rate: Annotated[Positive, OfEvaluation] = 0.03
    """learning rate of Adam in it"""

    def __post_init__(self):
        super().__post_init__()
        if not self.widths:
            raise ValueError("--widths names the features of at least one convolution")
        self.perceptual.check(self.objective.layers)


def seer(settings: FastStyleTransferSettings) -> Seer:
    """What sees the pictures."""
    return Seer(settings.perceptual, settings.objective)


def contents_of(settings: FastStyleTransferSettings) -> dict[str, Float[np.ndarray, "_ _ 3"]]:
    """What is learnt from, by its words: where nothing is given, the photographs that are not the style."""
    if settings.photographs:
        files = pictures_in(settings.photographs.expanduser())
        return dict(photograph("china", file)[::-1] for file in files)
    return dict(photograph(name)[::-1] for name in (("china", "flower") if settings.style else ("china",)))


def first_content(settings: FastStyleTransferSettings, side: int = 0) -> Float[np.ndarray, "height width 3"]:
    """The first picture that is learnt from, whole."""
    file = pictures_in(settings.photographs.expanduser())[0] if settings.photographs else None
    return photograph("china", file, side=side)[0]


def style_of(settings: FastStyleTransferSettings) -> tuple[Float[np.ndarray, "rows columns 3"], str]:
    """The picture whose style it is, and what it is in words."""
    return photograph("flower", settings.style and settings.style.expanduser(), side=settings.style_size)


def data(settings: FastStyleTransferSettings) -> Dataset:
    """Crops; what the network that sees them has as weights, and what it sees of the style, are the context."""
    dataset = photograph_crops(
        contents_of(settings), size=settings.crop_size, examples=settings.crops, held_out=settings.held_out
    )
    style, words = style_of(settings)
    layers = settings.objective.layers
    crops = f"crops of {settings.crop_size}×{settings.crop_size}"
    for what, size in ((crops, (settings.crop_size,) * 2), (words, style.shape[:2])):
        settings.perceptual.check_size(layers, what, size)
    weights = settings.perceptual.params(layers)
    grams = jax.device_get(jax.jit(seer(settings).style)(weights, style))
    given = {"style": style} | ({"weights": weights} if settings.perceptual.weights else {})
    return dataset._replace(
        protocol=f"{dataset.protocol}, in the style of {words} pixels",
        fingerprint=fingerprint(dataset.splits, given),
        context={"weights": weights, "style": grams},
    )


def network(settings: FastStyleTransferSettings, dataset: Dataset) -> TransformationNet:
    """What repaints a picture."""
    return TransformationNet(settings.widths, settings.blocks, settings.normalization == "instance")


def errors_of(
    settings: FastStyleTransferSettings, dataset: Dataset, contents: Pictures
) -> Callable[[Pictures], PerceptualErrors]:
    """How far pictures are each from its own content, and all from the style."""
    see, given = seer(settings), jax.tree.map(jnp.asarray, dataset.context)
    content = see.content(given["weights"], contents)
    return lambda pictures: see.errors(given["weights"], pictures, content, given["style"])


def loss_of(settings: FastStyleTransferSettings, dataset: Dataset) -> LossFn:
    """The perceptual loss of what becomes of each picture, and its parts."""
    model = network(settings, dataset)

    def loss_fn(params, batch, keys):
        errors = errors_of(settings, dataset, batch["image"])(model.apply(params, batch["image"]))
        return settings.objective.loss(errors), errors._asdict()

    return loss_fn


def task(settings: FastStyleTransferSettings, dataset: Dataset) -> Task:
    """Descent of the network on the perceptual loss of crops."""
    model, example = network(settings, dataset), jnp.asarray(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_of(settings, dataset), lambda key: model.init(key, example), optimizer)


class Compared(NamedTuple):
    """The same contents, repainted in one pass and by descent."""

    one_pass: Pictures
    by_descent: Pictures
    loss: Float[Array, " pictures"]
    """of one pass"""
    losses: Float[Array, "steps_and_one pictures"]
    """of descent after 0, 1, 2 … steps; the first are those of the contents as they are"""


def compare(settings: FastStyleTransferSettings, dataset: Dataset, params: Params, contents: Pictures) -> Compared:
    """What the network makes of contents, and what descent in their own values does, which begins with them."""
    errors = errors_of(settings, dataset, contents)

    def loss(pictures: Pictures) -> Float[Array, " pictures"]:
        return settings.objective.loss(errors(pictures))

    painted = network(settings, dataset).apply(params, contents)
    reached, losses = descended(loss, contents, steps=settings.descent_steps, rate=settings.descent_rate)
    return Compared(painted, reached, loss(painted), losses)


def evaluate_whole(settings: FastStyleTransferSettings, dataset: Dataset) -> WholeSet:
    """One pass beside descent on test crops: mean losses, the geometric mean of their ratios, and after how many steps
    on average descent is as far; where it never is, one more than there are.
    """
    contents = dataset.head("test", settings.compared)["image"]

    def measure(params, given, key):
        contents, context = given
        seen = compare(settings, dataset._replace(context=context), params, contents)
        return {
            "unchanged/loss": seen.losses[0].mean(),
            "one_pass/loss": seen.loss.mean(),
            "descent/loss": seen.losses[-1].mean(),
            "one_pass/over_descent": jnp.exp(jnp.mean(jnp.log(seen.loss / seen.losses[-1]))),
            "one_pass/steps": jnp.cumprod(seen.losses > seen.loss, axis=0).sum(axis=0).astype(seen.loss.dtype).mean(),
        }

    return WholeSet((contents, dataset.context), measure)


def figures(settings: FastStyleTransferSettings, dataset: Dataset, params: Params) -> dict:
    """Test crops repainted in one pass and by descent, the losses of both, and a whole photograph in one pass."""
    contents = jnp.asarray(dataset.head("test", settings.compared)["image"])
    seen = jax.device_get(jax.jit(partial(compare, settings, dataset))(params, contents))
    whole = jnp.asarray(first_content(settings, WHOLE * settings.crop_size)[None])
    painted = jax.device_get(jax.jit(network(settings, dataset).apply)(params, whole))
    pictures = {"content": whole[0], "style": style_of(settings)[0], "in one pass": painted[0]}
    return {
        "crops": repainted_crops(contents, seen.one_pass, seen.by_descent),
        "descent": descent_curve(seen.losses, seen.loss),
        "whole": titled_pictures(pictures),
    }


@dataclass(frozen=True, kw_only=True)
class RepaintOptions(SampleOptions):
    """What is repainted."""

    picture: Path | None = None
    """a PNG or JPEG of any size, the same in every sample; without one each is another crop of the first photograph"""
    longest: Annotated[int, Ge(0)] = 0
    """pixels of its longer side to which a larger one is made smaller; 0: its size as it is"""

    def idle(self) -> dict[str, str]:
        """The size of no picture."""
        return super().idle() | ({} if self.picture else {"longest": "without --picture"})


def draw(settings: FastStyleTransferSettings, dataset: Dataset, options: RepaintOptions, params: Params) -> Callable:
    """A picture repainted in one pass, and as it was."""
    model = network(settings, dataset)

    def repainted(content: Float[Array, "height width 3"]) -> Example:
        return {"image": model.apply(params, content[None])[0], "content": content}

    if options.picture:
        picture, _ = photograph("china", options.picture.expanduser(), side=options.longest)
        return lambda key: repainted(jnp.asarray(picture))
    whole, size = jnp.asarray(first_content(settings)), settings.crop_size

    def of_a_crop(key: Key[Array, ""]) -> Example:
        room = jnp.asarray([extent - size + 1 for extent in whole.shape[:2]])
        top, left = jax.random.randint(key, (2,), 0, room)
        return repainted(jax.lax.dynamic_slice(whole, (top, left, jnp.zeros_like(top)), (size, size, 3)))

    return of_a_crop


EXPERIMENT = Experiment(
    card=CARD,
    settings=FastStyleTransferSettings,
    data=data,
    task=task,
    monitor=loss_of,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={
        "loss": "",
        "content": "",
        "style": "",
        "variation": "",
        "unchanged/loss": "",
        "one_pass/loss": "",
        "descent/loss": "",
        "one_pass/over_descent": "",
        "one_pass/steps": "updates",
    },
    network=network,
    sampler=Sampler(draw=draw, options=RepaintOptions),
)
