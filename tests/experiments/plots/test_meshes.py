"""What is nearer is painted later; the view turns and does not stretch; brightness is a cosine."""

import numpy as np
from matplotlib.collections import PolyCollection

from experiments.plots.meshes import COLOUR, DARKEST, LIGHT, in_view, mesh_strips, shades

TRIANGLE = np.array([(-1, -1, 0), (1, -1, 0), (0, 1, 0)], float)


def test_the_view_is_a_rotation_with_y_up():
    points = np.random.default_rng(0).normal(size=(2, 6, 3))
    seen = in_view(points)
    centred = points - points.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=-1), np.linalg.norm(centred, axis=-1))
    up = in_view(np.array([[(0, 1, 0), (0, -1, 0)]]))[0, 0]
    assert up[1] > 0.9
    assert abs(up[0]) < 1e-12
    ahead = in_view(np.array([[(0, 0, 1), (0, 0, -1)]]))[0, 0]
    assert ahead[2] > 0.7


def test_a_face_towards_the_light_is_brightest_from_both_sides():
    u, v = np.linalg.svd(LIGHT[None])[2][1:]
    facing = np.stack([np.zeros(3), u, v])
    along = np.stack([np.zeros(3), u, LIGHT])
    found = shades(np.stack([facing, facing[::-1], along, np.zeros((3, 3))]))
    np.testing.assert_allclose(found, np.outer([1, 1, DARKEST, DARKEST], COLOUR), atol=1e-9)


def test_the_nearest_face_is_painted_last_and_columns_do_not_overlap():
    depth = np.array([0, 0, 2])
    mesh = np.concatenate([TRIANGLE + depth, 0.5 * TRIANGLE - depth])
    figure = mesh_strips({"a": np.stack([mesh, mesh])}, np.array([(0, 1, 2), (3, 4, 5)]), title="two triangles")
    first, second = (each.get_paths() for each in figure.axes[0].findobj(PolyCollection))
    sizes = [np.ptp(path.vertices[:, 1]) for path in first]
    assert sizes[0] < sizes[1], "the small one is behind"
    assert max(path.vertices[:, 0].max() for path in first) < min(path.vertices[:, 0].min() for path in second)
