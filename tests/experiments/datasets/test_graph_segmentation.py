"""Regions of a picture against brute force, and closed cases."""

import numpy as np
from scipy import ndimage

from experiments.datasets.graph_segmentation import grid_edges, segment_graph


def by_brute_force(image, scale, least):
    """Components as sets of pixels, and the greatest weight inside of each; every edge looks through all."""
    height, width = image.shape[:2]
    edges = []
    for row, column in np.ndindex(height, width):
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            if row + down < height and 0 <= column + right < width:
                weight = np.linalg.norm(image[row, column] - image[row + down, column + right])
                edges.append((weight, (row, column), (row + down, column + right)))
    edges.sort(key=lambda edge: edge[0])
    assert len({weight for weight, *_ in edges}) == len(edges)
    sets = [{pixel} for pixel in np.ndindex(height, width)]
    inside = dict.fromkeys(map(frozenset, sets), 0.0)
    sets = list(inside)

    def join(rule):
        for weight, one, other in edges:
            a, b = (next(each for each in sets if pixel in each) for pixel in (one, other))
            if a != b and rule(weight, a, b):
                sets.remove(a)
                sets.remove(b)
                sets.append(a | b)
                inside[a | b] = weight

    join(lambda w, a, b: w <= min(inside[a] + scale / len(a), inside[b] + scale / len(b)))
    join(lambda w, a, b: min(len(a), len(b)) < least)
    return set(sets)


def test_regions_are_those_of_brute_force():
    counts = set()
    for seed in range(6):
        image = np.random.default_rng(seed).random((7, 8, 2))
        image[2:5, 2:6] += 1
        for scale, least in ((0.5, 1), (1.5, 3), (6.0, 2)):
            labels = segment_graph(image, scale=scale, least=least)
            expected = by_brute_force(image, scale, least)
            assert {frozenset(zip(*np.nonzero(labels == i), strict=True)) for i in np.unique(labels)} == expected
            assert np.bincount(labels.ravel()).min() >= least
            counts.add(len(expected))
    assert len(counts) > 6


def test_flat_parts_are_regions_numbered_by_their_first_pixels_and_connected():
    image = np.zeros((12, 16, 1))
    image[:, 8:] = 1
    image[3:6, 2:5] = 0.5
    labels = segment_graph(image, scale=0.1, least=2)
    assert labels[0, 0] == 0
    assert labels[0, 8] == 1
    assert labels[3, 2] == 2
    np.testing.assert_array_equal(labels, np.where(image == 0.5, 2, image)[..., 0])
    noisy = segment_graph(np.random.default_rng(0).random((20, 20, 3)), scale=2.0, least=4)
    for number in np.unique(noisy):
        assert ndimage.label(noisy == number, np.ones((3, 3)))[1] == 1


def test_edges_are_those_of_eight_neighbours():
    pairs, weights = grid_edges(np.arange(12.0).reshape(3, 4, 1))
    assert len(pairs) == 3 * 3 + 2 * 4 + 2 * 2 * 3
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} == {
        (a, b) for a in range(12) for b in range(a + 1, 12) if max(abs(a // 4 - b // 4), abs(a % 4 - b % 4)) == 1
    }
    np.testing.assert_array_equal(weights, np.abs(pairs[:, 0] - pairs[:, 1]))
