"""Crops against slices and loops, labels and samples of regions against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import overlap
from cases import Case

from models.layers.regions import crop_resized, label_regions, sample_regions, with_context

BACKGROUND = 3


def drawn(rng, count):
    low = rng.uniform(0, 20, (count, 2))
    return np.concatenate([low, low + rng.uniform(4, 12, (count, 2))], axis=1)


def image_and_box(rng):
    return rng.random((16, 20, 2)), np.array([3.0, 2, 15, 12]) + rng.uniform(0, 1, 4)


CASES = {
    crop_resized: Case(image_and_box, options={"size": 5}),
    with_context: Case(lambda rng: (drawn(rng, 1)[0],), options={"image": (32, 32), "context": 0.1}),
    label_regions: Case(
        lambda rng: (drawn(rng, 6), drawn(rng, 3), rng.integers(-1, 3, 3)),
        options={"background": BACKGROUND},
        constant_almost_everywhere=True,
    ),
    sample_regions: Case(
        lambda rng: (jax.random.key(int(rng.integers(99))), rng.integers(-1, 4, 12)),
        options={"count": 4, "objects": 2, "background": BACKGROUND},
    ),
}


def along(low, high, size, extent):
    """The weights of each pixel of a crop along one axis: a triangle about its place, as wide as a pixel of either."""
    factor = (high - low) / size
    places = low + (np.arange(size) + 0.5) * factor
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(extent) - 0.5) / max(1, factor))
    return weights / weights.sum(axis=1, keepdims=True)


def test_a_crop_is_what_loops_over_places_see(float64):
    rng = np.random.default_rng(0)
    for size in (3, 8, 20):  # smaller than the box, and larger
        image, box = image_and_box(rng)
        left, top, right, bottom = box
        expected = np.einsum("ih,hwc,jw->ijc", along(top, bottom, size, 16), image, along(left, right, size, 20))
        found = crop_resized(jnp.asarray(image), jnp.asarray(box), size=size)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_crop_of_its_own_size_is_a_slice():
    image = jnp.asarray(np.random.default_rng(0).random((16, 20, 3)), jnp.float32)
    found = crop_resized(image, jnp.array([4.0, 3, 12, 11]), size=8)
    np.testing.assert_allclose(found, image[3:11, 4:12], atol=1e-6)
    assert np.isfinite(crop_resized(image, jnp.zeros(4), size=8)).all()


def test_context_goes_no_further_than_the_image():
    np.testing.assert_allclose(
        with_context(jnp.array([10.0, 1, 20, 21]), image=(22, 40), context=0.1), [9, 0, 21, 22], rtol=1e-6
    )


def test_labels_are_those_of_the_object_with_most_in_common():
    rng, kinds = np.random.default_rng(0), set()
    for _ in range(20):
        regions, boxes, labels = drawn(rng, 30), drawn(rng, 6), rng.integers(-1, 3, 6)
        regions[::4] = boxes[rng.integers(0, 6, len(regions[::4]))] + rng.uniform(-1, 1, (len(regions[::4]), 4))
        regions[-1] = 0
        found = label_regions(
            jnp.asarray(regions, jnp.float32), jnp.asarray(boxes, jnp.float32), jnp.asarray(labels),
            background=BACKGROUND, threshold=0.4,
        )  # fmt: skip
        for region, label in zip(regions[:-1], np.asarray(found), strict=False):
            best = max((overlap(region, box), kind) for box, kind in zip(boxes, labels, strict=True) if kind >= 0)
            assert label == (best[1] if best[0] >= 0.4 else BACKGROUND)
            kinds.add(int(label))
        assert found[-1] == -1
    assert kinds == {0, 1, 2, BACKGROUND}


def test_samples_are_of_both_kinds_and_none_is_drawn_twice():
    labels = jnp.array([3, 3, 3, 3, 3, -1, 0, 2, 1, -1])
    seen = set()
    for number in range(30):
        places, there = sample_regions(jax.random.key(number), labels, count=6, objects=2, background=BACKGROUND)
        assert there.all()
        assert len(set(places.tolist())) == 6
        assert (labels[places[:2]] < 3).all()
        assert (labels[places[2:]] == BACKGROUND).all()
        seen |= set(places.tolist())
    assert seen == {0, 1, 2, 3, 4, 6, 7, 8}
    places, there = sample_regions(jax.random.key(0), labels, count=9, objects=4, background=BACKGROUND)
    assert there.tolist() == [True, True, True, False] + 5 * [True]
    with pytest.raises(ValueError, match="12 regions, 1 of them on objects, cannot be drawn of 10"):
        sample_regions(jax.random.key(0), labels, count=12, objects=1, background=BACKGROUND)
