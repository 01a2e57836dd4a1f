"""U-Net: the class of every pixel, with what was seen on the way down beside what comes up, and weighted borders."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from experiments.datasets import DataError, Dataset
from experiments.datasets.labelled_pixels import CLASSES, PixelData, with_border_weights
from experiments.objectives.segmentation import (
    Scores,
    centred,
    iou_metrics,
    segmentation_loss,
    whole_mean_iou,
    wrong_pixels,
)
from experiments.plots.segmentation import segmented_rows
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.vision.unet.card import CARD
from losses.metrics.segmentation import class_overlaps, mean_iou
from models.layers.tiles import mirrored, overlap_tiles
from models.segmentation import UNet, unet_size
from train.evaluation import MetricFn, WholeSet
from train.optimizers import NotNegative, Optimization, Positive, make_optimizer
from train.task import LossFn, Params, Task, supervised

LARGER, SHOWN = 3, 8
"""How many times as wide the large picture is, and scenes in the figure."""
TITLE = "scenes and the class of each pixel"


@dataclass(frozen=True, kw_only=True)
class UNetSettings(Settings):
    """U-Nets."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=16, chunk=50, evaluate_every=250, save_every=750)
    pixels: Flat[PixelData] = PixelData(scenes=6000, windows=0.5)
    optimization: Flat[Optimization] = Optimization(
        learning_rate=5e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    )
    channels: tuple[Count, ...] = (16, 32, 48)
    """of each level, each of half the resolution of the one before"""
    padding: Literal["SAME", "VALID"] = "SAME"
    """of convolutions; VALID: none, so that images are mirrored beyond their borders by as much as is lost"""
    border_weight: NotNegative = 1.0
    """by how much more a pixel counts in training that lies between two touching shapes; 0 is off"""
    border_width: Positive = 5.0
    """pixels over which that falls off"""

    def idle(self) -> dict[str, str]:
        """The width of a border that does not count more."""
        return super().idle() | ({} if self.border_weight else {"border_width": "without --border-weight"})

    def side_for(self, inner: int) -> int:
        """The least side of which the net says something of ``inner`` pixels or more, as many on all sides.

        ``ValueError`` where ``inner`` is odd: what a net says of has an even side, twice that of a coarser map.
        """
        levels = len(self.channels)
        if inner % 2:
            raise ValueError(f"an even number of pixels is needed, got {inner}")

        def fits(side: int) -> bool:
            try:
                found = unet_size(side, levels=levels, padding=self.padding)
            except ValueError:
                return False
            return found >= inner and (found - inner) % 2 == 0

        return next(side for side in count(inner) if fits(side))


def data(settings: UNetSettings) -> Dataset:
    """Scenes; those of training have weights. ``DataError`` where their sides cannot be halved as often as needed."""
    levels = len(settings.channels)
    if settings.padding == "SAME" and settings.pixels.side % 2 ** (levels - 1):
        raise DataError(f"--side {settings.pixels.side}: {levels} levels take multiples of {2 ** (levels - 1)}")
    if settings.pixels.side % 2:
        raise DataError(f"--side {settings.pixels.side}: an even number of pixels is needed")
    dataset = settings.pixels.load()
    if not settings.border_weight:
        return dataset
    return with_border_weights(dataset, weight=settings.border_weight, width=settings.border_width)


def network(settings: UNetSettings, dataset: Dataset) -> UNet:
    """The net."""
    return UNet(settings.channels, dataset.classes, settings.padding)


def beyond(images: Float[Array, "batch height width channels"], margin: int) -> Array:
    """The images with so many mirrored pixels on every side."""
    along, across = (mirrored(jnp.arange(-margin, size + margin), size=size) for size in images.shape[1:3])
    return images[:, along[:, None], across[None, :]]


def scores_of(settings: UNetSettings, dataset: Dataset) -> Scores:
    """Scores of every pixel of square images: without padding, of images that are mirrored beyond their borders."""
    net = network(settings, dataset)

    def scores(params: Params, images: Array) -> Array:
        side = images.shape[1]
        said = net.apply(params, beyond(centred(images), (settings.side_for(side) - side) // 2))
        cut = (said.shape[1] - side) // 2
        return said[:, cut : cut + side, cut : cut + side]

    return scores


def task(settings: UNetSettings, dataset: Dataset) -> Task:
    """Descent on the weighted cross-entropy."""
    side, net = settings.side_for(settings.pixels.side), network(settings, dataset)
    loss_fn, example = segmentation_loss(scores_of(settings, dataset)), jnp.zeros((1, side, side, 1))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: net.init(key, example), optimizer)


def monitor(settings: UNetSettings, dataset: Dataset) -> LossFn:
    """The loss and the share of wrong pixels; all pixels weigh the same."""
    return segmentation_loss(scores_of(settings, dataset))


def evaluate(settings: UNetSettings, dataset: Dataset) -> MetricFn:
    """The share of wrong pixels, and of each class the intersection over union."""
    scores = scores_of(settings, dataset)

    def metric_fn(params, batch, keys):
        said = scores(params, batch["image"])
        return {"error": wrong_pixels(said, batch["labels"])} | iou_metrics(said, batch["labels"], dataset.class_names)

    return metric_fn


def context_of(settings: UNetSettings) -> int:
    """Pixels of every side of a tile that are no answer, as they see its padding: none where there is none.

    Two 3×3 convolutions of level l reach 2·2^l pixels, on the way down and, but for the lowest, up: 6·2^(L − 1) − 4 in
    all, and a pool's square begins up to 2^(L − 1) pixels before.
    """
    return 0 if settings.padding == "VALID" else 7 * 2 ** (len(settings.channels) - 1)


def at_once(settings: UNetSettings, dataset: Dataset) -> Callable[[Params, Array], Array]:
    """Scores of a whole picture, mirrored beyond its borders as the tiles see it."""
    scores, context = scores_of(settings, dataset), context_of(settings)

    def of_whole(params: Params, picture: Array) -> Array:
        said = scores(params, beyond(picture[None], context))[0]
        return said[context : said.shape[0] - context, context : said.shape[1] - context]

    return of_whole


def by_tiles(settings: UNetSettings, dataset: Dataset) -> Callable[[Params, Array], Array]:
    """Scores of a picture of any size, seen by tiles of which neighbours lie on one grid of the net's pools.

    With padding, a tile's own borders are not looked at (``context_of``).
    """
    net, grid = network(settings, dataset), 2 ** (len(settings.channels) - 1)
    step = -(-settings.pixels.side // grid) * grid
    context = context_of(settings)
    side = settings.side_for(step + 2 * context)

    def scores(params: Params, picture: Array) -> Array:
        def predict(tile: Array) -> Array:
            said = net.apply(params, centred(tile[None]))[0]
            return said[context : said.shape[0] - context, context : said.shape[1] - context]

        inner = unet_size(side, levels=len(settings.channels), padding=settings.padding) - 2 * context
        return overlap_tiles(predict, picture, side=side, inner=inner, step=step)

    return scores


def segmenter(settings: UNetSettings, dataset: Dataset) -> Callable[[Params, Array], Array]:
    """The class of every pixel of a picture, by tiles."""
    scores = by_tiles(settings, dataset)
    return lambda params, picture: scores(params, picture).argmax(axis=-1)


def evaluate_whole(settings: UNetSettings, dataset: Dataset) -> WholeSet:
    """The mean over classes of intersection over union of all test scenes; that of a large picture seen by tiles; and
    how many of its pixels have another class where it is seen at once.
    """
    scores, tiled, whole_of = (make(settings, dataset) for make in (scores_of, by_tiles, at_once))

    def measure(params, data, key):
        test, picture = data["test"], data["large"]
        said = tiled(params, picture["image"]).argmax(axis=-1).astype(picture["labels"].dtype)
        whole = whole_of(params, picture["image"]).argmax(axis=-1)
        return {
            "mean_iou": whole_mean_iou(scores, params, test["image"], test["labels"]),
            "tiles/mean_iou": 100 * mean_iou(*class_overlaps(said, picture["labels"], classes=dataset.classes)),
            "tiles/difference": 100 * jnp.mean((said != whole).astype(picture["image"].dtype)),
        }

    test = {name: dataset.splits["test"][name] for name in ("image", "labels")}
    return WholeSet({"test": test, "large": settings.pixels.large(LARGER)}, measure)


def figures(settings: UNetSettings, dataset: Dataset, params: Params) -> dict:
    """Scenes and a large picture, and what their pixels are taken for."""
    shown, picture = dataset.head("test", SHOWN), settings.pixels.large(LARGER)
    scores, tiled, whole_of = (make(settings, dataset) for make in (scores_of, by_tiles, at_once))

    @jax.jit
    def seen(params: Params, images: Array, large: Array) -> tuple[Array, Array, Array]:
        found = scores(params, images), tiled(params, large), whole_of(params, large)
        return tuple(each.argmax(axis=-1) for each in found)

    found, of_tiles, of_whole = jax.device_get(seen(params, shown["image"], picture["image"]))
    large, names = {name: each[None] for name, each in picture.items()}, dataset.class_names
    seen_as = {"tile by tile": of_tiles[None], "at once": of_whole[None]}
    return {
        "classes": segmented_rows(shown["image"], shown["labels"], {"U-Net": found}, names, title=TITLE),
        "large": segmented_rows(large["image"], large["labels"], seen_as, names),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=UNetSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="error",
    units={"loss": "nats per pixel", "error": "%", "mean_iou": "%", "tiles/mean_iou": "%", "tiles/difference": "%"}
    | {f"{name}_iou": "%" for name in CLASSES},
    network=network,
    segmenter=segmenter,
)
