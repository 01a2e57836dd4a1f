"""Average precision against loops over cut-offs, closed cases, and pycocotools where it is installed."""

import contextlib
import io
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import inside, overlap, size
from cases import Case

from losses.metrics.detection import (
    EVERY_TWENTIETH,
    Detections,
    Truth,
    detection_average_precision,
    mean_average_precision,
)

CLASSES = 3
EVERYWHERE = (0.0, float("inf"))


def boxes(rng, *shape, whole=False):
    low = rng.uniform(0, 20, (*shape, 2))
    given = np.concatenate([low, low + rng.uniform(1, 20, (*shape, 2))], axis=-1)
    return np.round(given) if whole else given


def drawn(rng, images=6, found=12, objects=5, *, crowds=False, ties=False, empty=False):
    """Detections about the objects, about nothing, and twice."""
    box, label = boxes(rng, images, objects, whole=ties), rng.integers(-1, CLASSES, (images, objects))
    near = rng.integers(0, objects, (images, found))
    rows = np.arange(images)[:, None]
    jitter = rng.normal(0, 1.5, (images, found, 4))
    guess = box[rows, near] + (np.round(jitter) if ties else jitter)
    guess = np.where(rng.random((images, found, 1)) < 0.2, boxes(rng, images, found, whole=ties), guess)
    guess[..., 2:] = np.maximum(guess[..., 2:], guess[..., :2] + (0 if empty else 0.5))
    kinds = np.where(rng.random((images, found)) < 0.8, label[rows, near], rng.integers(0, CLASSES, (images, found)))
    scores = rng.random((images, found))
    scores = np.round(scores, 1) if ties else scores
    scores[rng.random((images, found)) < 0.1] = -np.inf
    crowd = rng.random((images, objects)) < (0.4 if crowds else 0)
    return Detections(guess, scores, np.maximum(kinds, 0)), Truth(box, label, crowd)


def without_truth(rng):
    detections, truth = drawn(rng)
    return detections, truth._replace(label=np.full_like(truth.label, -1))


def without_detections(rng):
    detections, truth = drawn(rng)
    return detections._replace(score=np.full_like(detections.score, -np.inf)), truth


def one_class_alone(rng):
    detections, truth = drawn(rng)
    return detections, truth._replace(label=np.where(truth.label == 0, 0, -1))


SETS = {
    "random": drawn,
    "large": lambda rng: drawn(rng, 40, 20, 5),
    "crowds": lambda rng: drawn(rng, crowds=True),
    "ties": lambda rng: drawn(rng, 25, ties=True, crowds=True),
    "empty_boxes": lambda rng: drawn(rng, ties=True, empty=True),
    "no_truth": without_truth,
    "no_detections": without_detections,
    "one_class": one_class_alone,
    "nothing_but_crowds": lambda rng: (lambda d, t: (d, t._replace(crowd=np.ones_like(t.crowd))))(*drawn(rng)),
}

CASES = {
    detection_average_precision: Case(drawn, options={"classes": CLASSES}, constant_almost_everywhere=True),
    mean_average_precision: Case(lambda rng: (rng.random((3, 10)),)),
}


average_precision = jax.jit(
    partial(detection_average_precision, classes=CLASSES), static_argnames=("thresholds", "areas", "most")
)


def measured(detections, truth, **options):
    return np.asarray(average_precision(Detections(*detections), Truth(*truth), **options))


def verdicts(detections, truth, label, threshold, areas, most):
    """(score, right) of all that count, in the order of the protocol, and how many objects are wanted."""
    judged, wanted = [], 0
    for image in range(len(truth.label)):
        objects = [
            (box.tolist(), bool(crowd), bool(crowd) or not areas[0] <= size(box) <= areas[1])
            for box, kind, crowd in zip(*(part[image] for part in truth), strict=True)
            if kind == label
        ]
        wanted += sum(not ignored for *_, ignored in objects)
        found = [
            (-score, box.tolist())
            for box, score, kind in zip(*(part[image] for part in detections), strict=True)
            if kind == label and score > -np.inf
        ]
        taken = set()
        for negative, box in sorted(found, key=lambda each: each[0])[:most]:
            candidates = []
            for number, (other, crowd, ignored) in enumerate(objects):
                common = inside(box, other) if crowd else overlap(box, other)
                if common >= threshold and (crowd or number not in taken):
                    candidates.append((not ignored, common, number))
            if candidates:
                counts, _, number = max(candidates)
                taken.add(number)
                if counts:
                    judged.append((negative, True))
            elif areas[0] <= size(box) <= areas[1]:
                judged.append((negative, False))
    return sorted(judged, key=lambda each: each[0]), wanted


def by_hand(detections, truth, areas=EVERYWHERE, most=100):
    """From all cut-offs: the best precision among those with recall enough."""
    table = np.full((CLASSES, 10), np.nan)
    for label in range(CLASSES):
        for column, threshold in enumerate(EVERY_TWENTIETH):
            judged, wanted = verdicts(detections, truth, label, threshold, areas, most)
            if not wanted:
                continue
            right = [sum(hit for _, hit in judged[:cut]) for cut in range(1, len(judged) + 1)]
            points = [(hits / wanted, hits / (cut + 1)) for cut, hits in enumerate(right)]
            best = [max((p for r, p in points if r >= level), default=0) for level in np.linspace(0, 1, 101)]
            table[label, column] = np.mean(best)
    return table


@pytest.mark.parametrize("name", SETS)
def test_it_is_the_best_precision_over_all_cut_offs(name, float64):
    given = SETS[name](np.random.default_rng(0))
    np.testing.assert_allclose(measured(*given), by_hand(*given), atol=1e-12)
    areas = (60.0, 150.0)
    np.testing.assert_allclose(measured(*given, areas=areas, most=3), by_hand(*given, areas, 3), atol=1e-12)


def one(box, score, label):
    return Detections(np.array([box], np.float32), np.array([score], np.float32), np.array([label]))


SQUARE, FAR = [0.0, 0, 10, 10], [50.0, 50, 60, 60]


@pytest.mark.parametrize(
    ("found", "scores", "expected"),
    [
        ([SQUARE, FAR], [0.9, 0.8], 1),
        ([SQUARE, SQUARE], [0.9, 0.8], 51 / 101),  # half of the objects are found, and one of them twice
        ([[20, 20, 30, 30], SQUARE], [0.9, 0.8], 51 / 101 / 2),
        ([SQUARE, [20, 20, 30, 30], FAR], [0.9, 0.8, 0.7], (51 + 50 * 2 / 3) / 101),
        ([SQUARE, FAR], [np.nan, -np.inf], 0),
    ],
    ids=["all", "twice", "wrong_first", "wrong_between", "none"],
)
def test_closed_cases_of_two_objects(found, scores, expected):
    truth = Truth(np.array([[SQUARE, FAR]], np.float32), np.zeros((1, 2), int), np.zeros((1, 2), bool))
    value = measured(one(found, scores, [0] * len(found)), truth, thresholds=(0.5,))[0, 0]
    assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("images", [0, 2])
def test_there_may_be_no_places_at_all(images):
    """Arrays without a detection, without an object, or without either, as an empty set of a user's has them."""
    nothing = Detections(
        np.zeros((images, 0, 4), np.float32), np.zeros((images, 0), np.float32), np.zeros((images, 0), int)
    )
    empty = Truth(np.zeros((images, 0, 4), np.float32), np.zeros((images, 0), int), np.zeros((images, 0), bool))
    assert np.isnan(measured(nothing, empty, thresholds=(0.5,))).all()
    if images:
        objects = Truth(np.array([[SQUARE]] * 2, np.float32), np.zeros((2, 1), int), np.zeros((2, 1), bool))
        assert measured(nothing, objects, thresholds=(0.5,))[0, 0] == 0
        found = Detections(objects.box, np.ones((2, 1), np.float32), objects.label)
        assert np.isnan(measured(found, empty, thresholds=(0.5,))).all()


def test_a_set_without_objects_has_no_average_precision():
    assert np.isnan(measured(*without_truth(np.random.default_rng(0)))).all()
    assert np.isnan(mean_average_precision(jnp.full((3, 10), jnp.nan)))
    assert mean_average_precision(jnp.array([[0.25], [jnp.nan], [0.75]])) == 0.5


@pytest.mark.parametrize("name", SETS)
def test_it_is_that_of_pycocotools(name, float64):
    coco, evaluation = (pytest.importorskip(f"pycocotools.{part}") for part in ("coco", "cocoeval"))
    for seed in range(4):
        detections, truth = SETS[name](np.random.default_rng(seed))
        np.testing.assert_allclose(
            mean_average_precision(jnp.asarray(measured(detections, truth))),
            of_pycocotools(coco, evaluation, detections, truth)[0],
            atol=1e-6,
        )


@pytest.mark.parametrize("name", SETS)
def test_by_size_it_is_that_of_pycocotools(name, float64):
    """With other areas than COCO's for small, medium and large; 64 is one of whole boxes, which belong to both."""
    coco, evaluation = (pytest.importorskip(f"pycocotools.{part}") for part in ("coco", "cocoeval"))
    areas = list(pairwise((0.0, 64.0, 150.0, 1e10)))
    for seed in range(4):
        detections, truth = SETS[name](np.random.default_rng(seed))
        expected = of_pycocotools(coco, evaluation, detections, truth, areas)[3:6]
        found = [mean_average_precision(jnp.asarray(measured(detections, truth, areas=each))) for each in areas]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def of_pycocotools(coco, evaluation, detections, truth, borders=()):
    """Its AP, AP50, AP75, and AP in three ranges of areas; NaN for −1. Ids are from 1: one of 0 never matches."""
    annotations = [
        {"image_id": image, "category_id": int(label), "bbox": wide(box), "area": size(box), "iscrowd": int(crowd)}
        for image in range(len(truth.label))
        for box, label, crowd in zip(*(part[image] for part in truth), strict=True)
        if label >= 0
    ]
    results = [
        {"image_id": image, "category_id": int(label), "bbox": wide(box), "score": float(score)}
        for image in range(len(truth.label))
        for box, score, label in zip(*(part[image] for part in detections), strict=True)
        if score > -np.inf
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        known, found = coco.COCO(), coco.COCO()
        listed = {
            "images": [{"id": image} for image in range(len(truth.label))],
            "categories": [{"id": label} for label in range(CLASSES)],
        }
        known.dataset = listed | {"annotations": [each | {"id": i} for i, each in enumerate(annotations, 1)]}
        areas = [{"area": each["bbox"][2] * each["bbox"][3], "iscrowd": 0} for each in results]
        found.dataset = listed | {
            "annotations": [
                each | more | {"id": i} for i, (each, more) in enumerate(zip(results, areas, strict=True), 1)
            ]
        }
        known.createIndex()
        found.createIndex()
        judged = evaluation.COCOeval(known, found, "bbox")
        judged.params.areaRng[1:] = borders or judged.params.areaRng[1:]
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return np.where(judged.stats[:6] == -1, np.nan, judged.stats[:6])


def wide(box):
    left, top, right, bottom = map(float, box)
    return [left, top, right - left, bottom - top]
