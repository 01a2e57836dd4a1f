"""Average precision of detected boxes, by the protocol of COCO."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from models.layers.boxes import area, intersection, intersection_over_union

EVERY_TWENTIETH = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""IoU 0.5, 0.55 … 0.95, over which COCO's AP is the mean."""
_RECALLS = np.linspace(0, 1, 101)
_BEYOND = np.arange(101) / 100 < _RECALLS  # in floats some of COCO's recalls lie just above k / 100


class Detections(NamedTuple):
    """What was found in each image, in any order; a score of −∞ or NaN is no detection."""

    box: Float[Array, "images detections 4"]
    score: Float[Array, "images detections"]
    label: Int[Array, "images detections"]


class Truth(NamedTuple):
    """What is in each image; a label of −1 is no object, and a crowd is a box around many that are not told apart."""

    box: Float[Array, "images objects 4"]
    label: Int[Array, "images objects"]
    crowd: Bool[Array, "images objects"]


class _Found(NamedTuple):
    """Of each detection of one class: its score, whether it is right, and whether it counts."""

    score: Float[Array, "..."]
    right: Bool[Array, "..."]
    counts: Bool[Array, "..."]


def detection_average_precision(
    detections: Detections,
    truth: Truth,
    *,
    classes: int,
    thresholds: Sequence[float] = EVERY_TWENTIETH,
    areas: tuple[float, float] = (0.0, float("inf")),
    most: int = 100,
) -> Float[Array, "classes thresholds"]:
    """AP of each class at each least IoU: the mean, over the recalls 0, 0.01 … 1, of the best precision at any recall
    that is no lower. NaN for a class without an object. There may be no images, detections or objects.

    In each image the detections of a class, ``most`` of them, take objects in the order of their scores: each that one
    not yet taken which has most in common with it, if the IoU is no less than the threshold; of equal IoUs the last.
    What takes none is wrong. All images' detections together, sorted by their scores, of equal ones the first image's
    and its first detection first, give the curve of precision and recall. Crowds and objects whose area is outside
    ``areas`` need not be found: what takes such a one, for want of another, does not count, nor does what takes none
    and lies outside itself. A crowd is taken by any number; what counts is the share of the detection inside of it.

    Lin et al. 2014, section 5, as pycocotools 2.0 computes it, where an object's area is here its box's. Lecture 003,
    "Object detection".
    """
    detections = Detections(*map(_one_at_least, map(jnp.asarray, detections), (0, -jnp.inf, 0)))
    truth = Truth(*map(_one_at_least, map(jnp.asarray, truth), (0, -1, False)))
    match = jax.vmap(partial(_match, areas=areas, most=most), (0, 0, None, None))
    match = jax.vmap(jax.vmap(match, (None, None, None, 0)), (None, None, 0, None))
    levels = jnp.asarray(thresholds, detections.box.dtype)
    labels = jnp.arange(classes, dtype=truth.label.dtype)
    found = match(detections, truth, labels, levels)
    wanted = jax.vmap(lambda label: jnp.sum((truth.label == label) & ~_ignored(truth, areas)))(labels)
    return jax.vmap(jax.vmap(_area_under_curve, (0, None)), (0, 0))(found, wanted)


def mean_average_precision(precisions: Float[Array, "classes thresholds"]) -> Float[Array, ""]:
    """The mean over thresholds and over those classes that have objects; NaN where none has. Lin et al. 2014."""
    there = ~jnp.isnan(precisions)
    total = jnp.sum(jnp.where(there, precisions, 0))
    return jnp.where(there.any(), total / jnp.maximum(there.sum().astype(total.dtype), 1), jnp.nan)


def _one_at_least(part: Array, fill: object) -> Array:
    """Where there are no images, or no places in them, one that is empty."""
    missing = [(0, int(size == 0)) for size in part.shape[:2]] + [(0, 0)] * (part.ndim - 2)
    return jnp.pad(part, missing, constant_values=fill)


def _ignored(truth: Truth, areas: tuple[float, float]) -> Bool[Array, "*objects"]:
    """Whether an object need not be found."""
    return truth.crowd | _outside(truth.box, areas)


def _outside(boxes: Float[Array, "*boxes 4"], areas: tuple[float, float]) -> Bool[Array, "*boxes"]:
    sizes = jnp.vectorize(area, signature="(n)->()")(boxes)
    return (sizes < areas[0]) | (sizes > areas[1])


def _match(
    detections: Detections,
    truth: Truth,
    label: Int[Array, ""],
    threshold: Float[Array, ""],
    *,
    areas: tuple[float, float],
    most: int,
) -> _Found:
    """What becomes of the detections of one image, of one class, in the order of their scores."""
    there = (detections.label == label) & (detections.score > -jnp.inf)
    score = jnp.where(there, detections.score, -jnp.inf)
    order = jnp.argsort(-score, stable=True)[:most]
    score, boxes = score[order], detections.box[order]
    ignored, crowd = _ignored(truth, areas), truth.crowd
    least = jnp.minimum(threshold, 1 - 1e-10)

    def common(box: Float[Array, "4"], other: Float[Array, "4"], crowd: Bool[Array, ""]) -> Float[Array, ""]:
        inside = intersection(box, other) / jnp.maximum(area(box), jnp.finfo(box.dtype).tiny)
        return jnp.where(crowd, inside, intersection_over_union(box, other))

    overlaps = jax.vmap(jax.vmap(common, (None, 0, 0)), (0, None, None))(boxes, truth.box, crowd)
    fits = (overlaps >= least) & (truth.label == label)

    def take(
        taken: Bool[Array, " objects"], detection: tuple[Array, Array, Array]
    ) -> tuple[Bool[Array, " objects"], tuple[Array, Array]]:
        overlap, fits, score = detection
        free = fits & (~taken | crowd) & (score > -jnp.inf)
        wanted = free & ~ignored
        choice = jnp.where(wanted.any(), wanted, free)
        place = len(overlap) - 1 - jnp.argmax(jnp.where(choice, overlap, -1)[::-1])
        chosen = choice & (jnp.arange(len(overlap)) == place)
        return taken | chosen, (wanted.any(), choice.any())

    start = jnp.zeros(truth.label.shape, bool)
    right, took = jax.lax.scan(take, start, (overlaps, fits, score))[1]
    counts = (score > -jnp.inf) & (right | (~took & ~_outside(boxes, areas)))
    return _Found(score, right, counts)


def _area_under_curve(found: _Found, wanted: Int[Array, ""]) -> Float[Array, ""]:
    score, right, counts = (part.reshape(-1) for part in found)
    order = jnp.argsort(-score, stable=True)
    hits = jnp.cumsum((right & counts)[order].astype(jnp.int32))
    seen = jnp.cumsum(counts[order].astype(jnp.int32))
    precision = hits.astype(score.dtype) / jnp.maximum(seen, 1).astype(score.dtype)
    best = jax.lax.cummax(precision, reverse=True)
    enough = jnp.arange(101, dtype=jnp.int32) * wanted.astype(jnp.int32) + _BEYOND.astype(np.int32)
    place = jnp.searchsorted(100 * hits, enough)  # exact: 100 · hits ≥ k · wanted, and > where the recall is beyond
    reached = jnp.where(place < len(best), best[jnp.minimum(place, len(best) - 1)], 0)
    return jnp.where(wanted > 0, jnp.mean(reached), jnp.nan)
