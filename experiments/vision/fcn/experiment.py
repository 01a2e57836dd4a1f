"""Fully convolutional nets: 32s, 16s and 8s, with skips by sum and by concatenation, on scenes of shapes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from experiments.datasets import DataError, Dataset
from experiments.datasets.labelled_pixels import PixelData
from experiments.objectives.segmentation import Scores, centred, segmentation_loss, whole_mean_iou
from experiments.plots.segmentation import segmented_rows
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.vision.fcn.card import CARD
from models.layers.tiles import mirrored
from models.segmentation import FCN
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Task

FORMS = {"32s": (0, "sum"), "16s": (1, "sum"), "8s": (2, "sum"), "8s_concatenated": (2, "concatenation")}
"""How many skips, and how they are joined."""
SHOWN = 8
TITLE = "scenes and the class of each pixel"


@dataclass(frozen=True, kw_only=True)
class FCNSettings(Settings):
    """Fully convolutional nets."""

    loop: Flat[LoopSettings] = LoopSettings(steps=500, batch_size=16, chunk=50, evaluate_every=100, save_every=250)
    pixels: Flat[PixelData] = PixelData()
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, schedule="cosine", warmup_steps=50)
    forms: tuple[Literal[*FORMS], ...] = tuple(FORMS)
    """which nets: with no, one or two skips, by sum or by concatenation"""
    channels: tuple[Count, ...] = (12, 24, 48)
    """of each stage; with five of them strides are those of the names"""
    depth: Count = 2
    """convolutions of a stage"""
    normalized: bool = True
    """normalise groups of channels after each convolution; the paper begins with trained weights instead"""

    def __post_init__(self):
        super().__post_init__()
        if not self.forms or len(set(self.forms)) < len(self.forms):
            raise ValueError(f"--forms must name at least one, and none twice, got {' '.join(self.forms) or 'none'}")
        if max(FORMS[form][0] for form in self.forms) >= len(self.channels):
            raise ValueError(f"--channels has {len(self.channels)} stages, too few for the skips of {self.forms[-1]}")


def data(settings: FCNSettings) -> Dataset:
    """Scenes, whose sides can be halved as often as there are stages."""
    multiple = 2 ** len(settings.channels)
    if settings.pixels.side % multiple:
        raise DataError(f"--side {settings.pixels.side}: {len(settings.channels)} stages take multiples of {multiple}")
    return settings.pixels.load()


def networks(settings: FCNSettings, dataset: Dataset) -> dict[str, FCN]:
    """By the names of their forms."""
    return {
        form: FCN(settings.channels, dataset.classes, *FORMS[form], settings.depth, settings.normalized)
        for form in settings.forms
    }


def scores_of(network: FCN) -> Scores:
    """Scores of every pixel."""
    return lambda params, images: network.apply(params, centred(images))


def task(settings: FCNSettings, dataset: Dataset) -> Task:
    """The nets side by side."""
    example = jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)

    def learner(network: FCN) -> Learner:
        return Learner(segmentation_loss(scores_of(network)), lambda key: network.init(key, example), optimizer)

    return side_by_side({form: learner(network) for form, network in networks(settings, dataset).items()})


def monitor(settings: FCNSettings, dataset: Dataset) -> LossFn:
    """The mean loss of the nets, and the share of pixels that each gets wrong."""
    losses = {form: segmentation_loss(scores_of(network)) for form, network in networks(settings, dataset).items()}

    def loss_fn(params, batch, keys):
        found = {form: loss(params[form], batch, keys) for form, loss in losses.items()}
        mean = jnp.mean(jnp.stack([each[0] for each in found.values()]), axis=0)
        return mean, {f"{form}/error": each[1]["error"] for form, each in found.items()}

    return loss_fn


def evaluate_whole(settings: FCNSettings, dataset: Dataset) -> WholeSet:
    """The mean over classes of intersection over union, of all test scenes together."""
    nets = networks(settings, dataset)

    def measure(params, data, key):
        return {
            f"{form}/mean_iou": whole_mean_iou(scores_of(net), params[form], data["image"], data["labels"])
            for form, net in nets.items()
        }

    return WholeSet(dataset.splits["test"], measure)


def segmenter(settings: FCNSettings, dataset: Dataset) -> Callable[[Params, Array], Array]:
    """The class of every pixel of a picture, by the last of the nets; beyond its end it is mirrored, up to sides that
    can be halved as often as there are stages.
    """
    form, multiple = settings.forms[-1], 2 ** len(settings.channels)
    scores = scores_of(networks(settings, dataset)[form])

    def classes(params: Params, picture: Array) -> Array:
        height, width = picture.shape[:2]
        along, across = (mirrored(jnp.arange(size + -size % multiple), size=size) for size in (height, width))
        said = scores(params[form], picture[along[:, None], across][None])[0]
        return said[:height, :width].argmax(axis=-1)

    return classes


def figures(settings: FCNSettings, dataset: Dataset, params: Params) -> dict:
    """Scenes, and what each net takes their pixels for."""
    shown, nets = dataset.head("test", SHOWN), networks(settings, dataset)

    @jax.jit
    def seen(params: Params, images: Array) -> dict[str, Array]:
        return {form: scores_of(net)(params[form], images).argmax(axis=-1) for form, net in nets.items()}

    found = jax.device_get(seen(params, shown["image"]))
    rows = {form.replace("_", ", "): found[form] for form in settings.forms}
    return {"classes": segmented_rows(shown["image"], shown["labels"], rows, dataset.class_names, title=TITLE)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=FCNSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats per pixel"} | {f"{form}/{name}": "%" for form in FORMS for name in ("error", "mean_iou")},
    segmenter=segmenter,
)
