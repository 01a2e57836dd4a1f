"""Recall by loops, and of all windows there are."""

from itertools import product

import jax.numpy as jnp
import numpy as np
from boxes_by_hand import overlap
from cases import Case

from experiments.datasets.sliding_windows import sliding_windows
from losses.metrics.proposals import overlap_by_count, recall_by_count


def drawn(rng, count):
    low = rng.uniform(0, 20, (count, 2))
    return np.concatenate([low, low + rng.uniform(4, 12, (count, 2))], axis=1)


CASES = {
    overlap_by_count: Case(lambda rng: (drawn(rng, 8), drawn(rng, 3))),
    recall_by_count: Case(
        lambda rng: (rng.random((4, 5, 3)), (rng.random((4, 3)) < 0.8).astype(float)), options={"threshold": 0.6}
    ),
}


def test_overlaps_and_recall_are_those_of_loops(float64):
    rng = np.random.default_rng(0)
    proposals, boxes = rng.permuted(drawn(rng, 5 * 30).reshape(5, 30, 4), axis=1), drawn(rng, 5 * 3).reshape(5, 3, 4)
    proposals[:, 7] = boxes[:, 1] + 0.5
    there = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1], [1, 0, 0]], float)
    overlaps = jnp.stack([overlap_by_count(*map(jnp.asarray, each)) for each in zip(proposals, boxes, strict=True)])
    recall = recall_by_count(overlaps, jnp.asarray(there), threshold=0.5)
    for count in (1, 7, 8, 30):
        best = np.array(
            [
                [max(overlap(each, box) for each in given[:count]) for box in of]
                for given, of in zip(proposals, boxes, strict=True)
            ]
        )
        np.testing.assert_allclose(overlaps[:, count - 1], best, atol=1e-12)
        assert recall[count - 1] == (best[there == 1] >= 0.5).mean()


def test_all_windows_of_a_small_picture_find_everything(float64):
    """Every box of whole pixels is one of them: recall 1 at IoU 1."""
    low = list(product(range(8), repeat=2))
    windows = np.array(
        [[*a, *b] for a, b in product(low, [(x + 1, y + 1) for x, y in low]) if a[0] < b[0] and a[1] < b[1]]
    )
    assert len(windows) == 36**2
    boxes = jnp.asarray(np.random.default_rng(0).permutation(windows)[:40], float)
    overlaps = overlap_by_count(jnp.asarray(windows, float), boxes)
    recall = recall_by_count(overlaps[None], jnp.ones((1, 40)), threshold=1.0)
    assert recall[-1] == 1
    assert (np.diff(recall) >= 0).all()
    assert recall[100] < 0.5


def test_sliding_windows_cover_every_box_of_their_sizes():
    """No box lies further than half a step from a window, along either axis: an eighth of its sides."""
    windows = sliding_windows((24, 40), sides=(8.0,), ratios=(1.0, 2.0), step=0.25)
    assert len(windows) == 17 * 9 + (1 + int(np.ceil((40 - 8 * 2**0.5) / (2 * 2**0.5)))) * (
        1 + int(np.ceil((24 - 8 / 2**0.5) / (2 / 2**0.5)))
    )
    assert windows.min() == 0
    np.testing.assert_allclose(windows.max(axis=0)[2:], [40, 24])
    sizes = windows[:, 2:] - windows[:, :2]
    np.testing.assert_allclose(np.sqrt(sizes.prod(axis=1)), 8)
    rng = np.random.default_rng(0)
    for left, top in rng.uniform(0, 1, (50, 2)) * [32, 16]:
        box = [left, top, left + 8, top + 8]
        assert max(overlap(box, window) for window in windows) >= (7 / 8) ** 2 / (2 - (7 / 8) ** 2)
    assert len(sliding_windows((4, 4), sides=(8.0,), ratios=(1.0,), step=0.5)) == 0
