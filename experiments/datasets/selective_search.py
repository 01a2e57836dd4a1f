"""Places where objects may be, whatever they are: regions of a picture merged, the likest neighbours first."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.datasets.graph_segmentation import segment_graph

Measure = Literal["colour", "texture", "size", "fill"]
COLOUR_BINS = 25
TEXTURE_BINS = 10
ORIENTATIONS = 8
STEEPEST = 0.5
"""The greatest derivative of intensities in [0, 1] by central differences."""


class Regions(NamedTuple):
    """Regions of a picture: counts of pixels, whole numbers all, so that those of a union are sums."""

    box: Int[np.ndarray, "regions 4"]
    """(left, top, right, bottom) around the pixels"""
    size: Int[np.ndarray, " regions"]
    """pixels"""
    colour: Int[np.ndarray, "regions colours"]
    """pixels of each channel by intensity, in 25 bins"""
    texture: Int[np.ndarray, "regions textures"]
    """pixels of each channel and orientation by derivative, in 10 bins"""


def colour_bins(image: Float[np.ndarray, "height width channels"]) -> Int[np.ndarray, "height width channels"]:
    """The bin of each intensity in [0, 1], counted through all channels. Uijlings et al. 2013, section 3.2."""
    return _bins(image, COLOUR_BINS)


def texture_bins(image: Float[np.ndarray, "height width channels"]) -> Int[np.ndarray, "height width features"]:
    """The bin of the derivative in each of eight directions, as far as it is positive, counted through all channels.

    Central differences, the border's values repeated; the paper takes Gaussian derivatives of σ = 1, here pictures are
    smoothed before. Uijlings et al. 2013, section 3.2.
    """
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    angles = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    along = across[..., None] * np.cos(angles) + down[..., None] * np.sin(angles)
    return _bins(np.maximum(along, 0).reshape(*image.shape[:2], -1) / STEEPEST, TEXTURE_BINS)


def _bins(values: Float[np.ndarray, "height width features"], count: int) -> Int[np.ndarray, "height width features"]:
    inside = np.clip((values * count).astype(np.int32), 0, count - 1)
    return inside + count * np.arange(values.shape[-1], dtype=np.int32)


def measure_regions(
    labels: Int[np.ndarray, "height width"],
    colour: Int[np.ndarray, "height width channels"],
    texture: Int[np.ndarray, "height width features"],
) -> Regions:
    """Boxes and counts of the regions that a picture is labelled with, from 0 on."""
    count, flat = int(labels.max()) + 1, labels.ravel()
    rows, columns = np.indices(labels.shape)
    low, high = np.full((count, 2), np.iinfo(np.int64).max), np.zeros((count, 2), np.int64)
    places = np.stack([columns.ravel(), rows.ravel()], axis=1)
    np.minimum.at(low, flat, places)
    np.maximum.at(high, flat, places + 1)

    def histogram(bins: Int[np.ndarray, "height width features"], each: int) -> Int[np.ndarray, "regions bins"]:
        features = bins.shape[-1]
        numbers = flat[:, None] * (each * features) + bins.reshape(-1, features)
        return np.bincount(numbers.ravel(), minlength=count * each * features).reshape(count, each * features)

    size = np.bincount(flat, minlength=count)
    box = np.concatenate([low, high], axis=1)
    return Regions(box, size, histogram(colour, COLOUR_BINS), histogram(texture, TEXTURE_BINS))


def neighbours(labels: Int[np.ndarray, "height width"]) -> Bool[np.ndarray, "regions regions"]:
    """Which regions touch along a side of a pixel."""
    count = int(labels.max()) + 1
    touching = np.zeros((count, count), bool)
    for one, other in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        touching[one, other] = touching[other, one] = True
    np.fill_diagonal(touching, False)
    return touching


def merged(one: Regions, other: Regions) -> Regions:
    """The unions of regions with others: their boxes' hulls, and sums of counts.

    Uijlings et al. 2013, equations 3 and 6.
    """
    box = np.concatenate(
        [np.minimum(one.box[:, :2], other.box[:, :2]), np.maximum(one.box[:, 2:], other.box[:, 2:])], axis=1
    )
    return Regions(box, one.size + other.size, one.colour + other.colour, one.texture + other.texture)


def similarity(
    one: Regions, others: Regions, *, pixels: int, measures: Sequence[Measure]
) -> Float[np.ndarray, " regions"]:
    """How like one region, alone in its record, is to each of others: the sum of some of four measures in [0, 1].

        colour, texture   Σ_i min(c_i, d_i)      of histograms that are divided by their sums
        size              1 − (|A| + |B|) / n    so that small ones are merged first
        fill              1 − (|hull| − |A| − |B|) / n

    with the ``pixels`` n of the picture, and the box around both. Uijlings et al. 2013, equations 1, 2, 4, 5, 7 and 8.
    """
    total = np.zeros(len(others.size))
    for name in ("colour", "texture"):
        if name in measures:
            own, theirs = (
                counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
                for counts in (getattr(one, name), getattr(others, name))
            )
            total += np.minimum(own, theirs).sum(axis=1)
    both = one.size + others.size
    if "size" in measures:
        total += 1 - both / pixels
    if "fill" in measures:
        hull = np.maximum(one.box[:, 2:], others.box[:, 2:]) - np.minimum(one.box[:, :2], others.box[:, :2])
        total += 1 - (hull.prod(axis=1) - both) / pixels
    return total


def group_regions(
    regions: Regions, touching: Bool[np.ndarray, "regions regions"], *, pixels: int, measures: Sequence[Measure]
) -> tuple[Regions, Int[np.ndarray, "merges 2"]]:
    """Of n connected regions all 2n − 1 of their hierarchy, in the order in which they come to be; and which two were
    merged into each new one.

    The two neighbours that are most alike become one region, whose neighbours are those of both, until one is left. Of
    equal pairs the one with the older first region counts, then with the older second. Uijlings et al. 2013,
    algorithm 1.
    """
    count = len(regions.size)
    whole = 2 * count - 1
    grown = Regions(*(np.concatenate([part, np.zeros((count - 1, *part.shape[1:]), part.dtype)]) for part in regions))
    beside = np.zeros((whole, whole), bool)
    beside[:count, :count] = touching
    like = np.full((whole, whole), -np.inf)

    def compare(number: int, others: Int[np.ndarray, " others"]) -> None:
        one, rest = (_rows(grown, rows) for rows in ([number], others))
        like[np.minimum(number, others), np.maximum(number, others)] = similarity(
            one, rest, pixels=pixels, measures=measures
        )

    for number in range(count):
        compare(number, number + 1 + np.flatnonzero(beside[number, number + 1 : count]))
    merges = np.zeros((count - 1, 2), np.int64)
    for new in range(count, whole):
        first, second = divmod(int(like.argmax()), whole)
        merges[new - count] = first, second
        union = merged(_rows(grown, [first]), _rows(grown, [second]))
        for part, own in zip(grown, union, strict=True):
            part[new] = own[0]
        around = beside[first] | beside[second]
        around[[first, second]] = False
        for gone in (first, second):
            beside[gone], beside[:, gone], like[gone], like[:, gone] = False, False, -np.inf, -np.inf
        beside[new], beside[:, new] = around, around
        compare(new, np.flatnonzero(around))
    return grown, merges


def _rows(regions: Regions, rows: Sequence[int] | Int[np.ndarray, " rows"]) -> Regions:
    return Regions(*(part[rows] for part in regions))


def propose(
    generator: np.random.Generator,
    image: Float[np.ndarray, "height width channels"],
    *,
    strategies: Sequence[Sequence[Measure]],
    scale: float,
    least: int,
    least_side: int = 3,
) -> Int[np.ndarray, "proposals 4"]:
    """Boxes about all regions of the hierarchies that several measures make, the likeliest first, none of them twice.

    In each hierarchy the region of the whole picture has rank 1, and so on down; a rank is multiplied by a number that
    is drawn from [0, 1], so that not all large regions come first, and boxes are sorted by what results. Boxes with a
    side below ``least_side`` are left out. Uijlings et al. 2013, sections 3.3 and 4.3. Lecture 003, "Region proposal".
    """
    smooth = smoothed(image)
    labels = segment_graph(smooth, scale=scale, least=least)
    regions, touching = measure_regions(labels, colour_bins(image), texture_bins(smooth)), neighbours(labels)
    boxes, ranks = [], []
    for measures in strategies:
        grown, _ = group_regions(regions, touching, pixels=labels.size, measures=measures)
        boxes.append(grown.box[::-1])
        ranks.append(generator.random(len(grown.box)) * (1 + np.arange(len(grown.box))))
    found = np.concatenate(boxes)[np.argsort(np.concatenate(ranks), kind="stable")]
    found = found[(found[:, 2:] - found[:, :2]).min(axis=1) >= least_side]
    _, first = np.unique(found, axis=0, return_index=True)
    return found[np.sort(first)]


def smoothed(image: Float[np.ndarray, "height width channels"]) -> Float[np.ndarray, "height width channels"]:
    """Each value with its neighbours, by (¼, ½, ¼) along both axes, the border's values repeated.

    Of variance ½ in pixels along each axis, where Felzenszwalb & Huttenlocher 2004, section 5, take a Gaussian of σ =
    0.8, of variance 0.64.
    """
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (across[:-2] + 2 * across[1:-1] + across[2:]) / 4
