"""The distortion of a way is the sum written out: 0 for shapes that are scaled evenly, known for a known stretch."""

import numpy as np
import pytest

from experiments.datasets.meshes.shapes import sheet
from experiments.evaluations.metric_distortion import geodesics_of_many, way_distortion

pytest.importorskip("pygeodesic")
SHAPE = sheet(3, 5)
SOURCES = np.array([0, 14], np.int32)
PLACES = np.array([0.0, 0.25, 1.0], np.float32)


def test_between_a_shape_and_its_double_scaled_shapes_have_no_distortion():
    bent = SHAPE.vertices(np.zeros((2, 2)), np.array([[0.5, 0.2], [-0.9, 0.3]]))
    first, last = (geodesics_of_many(scale * bent, SHAPE.faces, SOURCES) for scale in (1, 2))
    np.testing.assert_allclose(last, 2 * first)
    way = (1 + PLACES)[:, None, None] * bent[:, None]
    found = way_distortion(way, first, last, PLACES, SHAPE.faces, SOURCES)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, 0, atol=1e-5)
    way[1, 2] *= 1.1
    np.testing.assert_allclose(
        way_distortion(way, first, last, PLACES, SHAPE.faces, SOURCES), [[0, 0, 0], [0, 0, 10]], atol=1e-4
    )
