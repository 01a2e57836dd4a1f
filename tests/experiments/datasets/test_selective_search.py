"""Similarities by hand, histograms that merging keeps exactly, and a hierarchy by brute force over pixels."""

from itertools import combinations

import numpy as np
import pytest

from experiments.datasets.generated_scenes import shape_scenes
from experiments.datasets.selective_search import (
    Regions,
    colour_bins,
    group_regions,
    measure_regions,
    neighbours,
    propose,
    similarity,
    smoothed,
    texture_bins,
)

MEASURES = ("colour", "texture", "size", "fill")


def picture(seed, shape=(6, 7, 2), regions=7):
    """A picture, and the connected cells of a few points in it."""
    rng = np.random.default_rng(seed)
    points = rng.permutation(np.argwhere(np.ones(shape[:2])))[:regions]
    places = np.argwhere(np.ones(shape[:2]))
    nearest = np.abs(places[:, None] - points).sum(axis=-1).argmin(axis=1).reshape(shape[:2])
    return rng.random(shape), nearest


def counted(image, pixels):
    """The record of a set of pixels, by loops: box, size, and histograms by the definition of their bins."""
    colour, texture = np.zeros((image.shape[2], 25), int), np.zeros((image.shape[2], 8, 10), int)
    for row, column in pixels:
        for channel in range(image.shape[2]):
            colour[channel, min(int(image[row, column, channel] * 25), 24)] += 1

            def value(r, c, channel=channel):
                return image[np.clip(r, 0, image.shape[0] - 1), np.clip(c, 0, image.shape[1] - 1), channel]

            across = (value(row, column + 1) - value(row, column - 1)) / 2
            down = (value(row + 1, column) - value(row - 1, column)) / 2
            for direction in range(8):
                angle = direction * np.pi / 4
                steepness = max(0, across * np.cos(angle) + down * np.sin(angle))
                texture[channel, direction, min(int(steepness / 0.5 * 10), 9)] += 1
    rows, columns = zip(*pixels, strict=True)
    box = [min(columns), min(rows), max(columns) + 1, max(rows) + 1]
    return box, len(pixels), colour.ravel(), texture.ravel()


def alike(one, other, pixels, measures=MEASURES):
    """The sum of similarities of two records, term by term."""
    (box, size, colour, texture), (box2, size2, colour2, texture2) = one, other
    hull = (max(box[2], box2[2]) - min(box[0], box2[0])) * (max(box[3], box2[3]) - min(box[1], box2[1]))
    terms = {
        "colour": sum(min(a / colour.sum(), b / colour2.sum()) for a, b in zip(colour, colour2, strict=True)),
        "texture": sum(min(a / texture.sum(), b / texture2.sum()) for a, b in zip(texture, texture2, strict=True)),
        "size": 1 - (size + size2) / pixels,
        "fill": 1 - (hull - size - size2) / pixels,
    }
    return sum(terms[name] for name in measures)


def records(regions):
    return list(zip(regions.box.tolist(), regions.size.tolist(), regions.colour, regions.texture, strict=True))


def regions_of(image, labels):
    return measure_regions(labels, colour_bins(image), texture_bins(image))


def sets_of(labels):
    return [frozenset(zip(*np.nonzero(labels == i), strict=True)) for i in range(labels.max() + 1)]


def assert_records(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_regions_are_counted_pixel_by_pixel():
    image, labels = picture(0)
    for ours, pixels in zip(records(regions_of(image, labels)), sets_of(labels), strict=True):
        assert_records(ours, counted(image, pixels))


@pytest.mark.parametrize("measures", [*((name,) for name in MEASURES), MEASURES, ("texture", "size", "fill")])
def test_similarities_are_those_of_the_formulas(measures):
    image, labels = picture(1)
    regions = regions_of(image, labels)
    first, rest = (Regions(*(part[rows] for part in regions)) for rows in (slice(0, 1), slice(1, None)))
    found = similarity(first, rest, pixels=labels.size, measures=measures)
    own, *others = records(regions)
    np.testing.assert_allclose(found, [alike(own, each, labels.size, measures) for each in others], rtol=1e-12)
    assert (found >= 0).all()
    assert (found <= len(measures)).all()


def test_two_halves_of_a_flat_picture():
    """Colour and texture are the same, and the hull has nothing but them in it."""
    labels = np.repeat([[0, 0, 1, 1]], 4, axis=0)
    regions = regions_of(np.full((4, 4, 3), 0.4), labels)
    halves = (Regions(*(part[[i]] for part in regions)) for i in (0, 1))
    one, other = halves
    for measures, value in ((("colour",), 1), (("texture",), 1), (("size",), 0), (("fill",), 1)):
        assert similarity(one, other, pixels=16, measures=measures) == value


def test_neighbours_touch_along_a_side():
    touching = neighbours(np.array([[0, 0, 1], [2, 2, 1], [3, 2, 2]]))
    expected = {(0, 1), (0, 2), (1, 2), (2, 3)}
    assert {(a, b) for a, b in np.argwhere(touching).tolist() if a < b} == expected
    np.testing.assert_array_equal(touching, touching.T)


@pytest.mark.parametrize("measures", [MEASURES, ("texture", "size", "fill"), ("colour",)])
@pytest.mark.parametrize("seed", range(4))
def test_the_hierarchy_is_that_of_brute_force_over_pixels(seed, measures):
    """In every round all pairs of touching sets of pixels are counted anew; histograms of unions are theirs exactly."""
    image, labels = picture(seed)
    grown, merges = group_regions(regions_of(image, labels), neighbours(labels), pixels=labels.size, measures=measures)
    sets = dict(enumerate(sets_of(labels)))
    alive = set(sets)
    for new, (first, second) in enumerate(merges.tolist(), len(sets)):
        pairs = {}
        for one, other in combinations(sorted(alive), 2):
            beside = {(r + 1, c) for r, c in sets[one]} | {(r - 1, c) for r, c in sets[one]}
            beside |= {(r, c + 1) for r, c in sets[one]} | {(r, c - 1) for r, c in sets[one]}
            if beside & sets[other]:
                pairs[one, other] = alike(counted(image, sets[one]), counted(image, sets[other]), labels.size, measures)
        assert pairs[first, second] == pytest.approx(max(pairs.values()), rel=1e-12)
        sets[new] = sets[first] | sets[second]
        alive = (alive - {first, second}) | {new}
    for number, record in enumerate(records(grown)):
        assert_records(record, counted(image, sets[number]))
    assert sets[len(grown.size) - 1] == frozenset(np.ndindex(labels.shape))


def test_proposals_are_different_boxes_in_the_picture_the_whole_of_it_among_them():
    strategies = [MEASURES, ("texture", "size", "fill")]
    scenes = shape_scenes(examples=8, held_out=1, channels=3, size=48, least=10, most=24).splits["train"]
    covered = []
    for number, image in enumerate(scenes["image"].astype(float)):
        found, again = (
            propose(np.random.default_rng(number), image, strategies=strategies, scale=0.3, least=12) for _ in range(2)
        )
        np.testing.assert_array_equal(found, again)
        assert len({tuple(box) for box in found.tolist()}) == len(found) > 5
        assert [0, 0, 48, 48] in found.tolist()
        assert ((found[:, 2:] - found[:, :2]) >= 3).all()
        for box, label in zip(scenes["box"][number], scenes["label"][number], strict=True):
            if label >= 0:
                low, high = np.maximum(box[:2], found[:, :2]), np.minimum(box[2:], found[:, 2:])
                common = np.maximum(high - low, 0).prod(axis=1)
                areas = (found[:, 2:] - found[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
                covered.append((common / (areas - common)).max())
    assert np.mean(np.array(covered) >= 0.5) > 0.9


def test_smoothing_keeps_means_and_what_is_flat():
    image = np.zeros((5, 6, 1))
    image[2, 3] = 1
    np.testing.assert_array_equal(16 * smoothed(image)[1:4, 2:5, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    np.testing.assert_array_equal(smoothed(np.full((3, 3, 2), 0.3)), np.full((3, 3, 2), 0.3))
