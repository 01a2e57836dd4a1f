"""Regions and a classifier: what it is told and what it keeps is what loops say, and it finds shapes in few scenes."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from boxes_by_hand import overlap
from trained import assert_same_at_every_evaluation_batch, metrics_of_run, trained

from experiments.run.settings import configure
from experiments.vision.region_proposals.experiment import (
    RegionProposalsSettings,
    costs,
    data,
    overlaps,
    region_classifier,
)
from experiments.vision.region_proposals.proposals import there, windows_for
from models.layers.regions import crop_resized, with_context

SMALL = {
    "scenes": 12, "held_out": 20, "batch_size": 4, "image_size": 32, "objects": 3, "most_side": 20.0, "proposals": 24,
    "pattern": "CONV 2 stride 2 → RELU → FC", "widths": (4, 4, 4, 4), "features": 4, "crop": 8, "detections": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def settings():
    return configure(RegionProposalsSettings(), SMALL)


@pytest.fixture(scope="module")
def dataset(settings):
    return data(settings)


@pytest.fixture(scope="module")
def params(settings, dataset):
    model = region_classifier(settings, dataset).model
    return jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))


def test_proposals_fill_up_with_what_is_no_box(settings, dataset):
    train = dataset.splits["train"]
    assert train["proposal"].shape == (12, 24, 4)
    exist = np.asarray(there(train["proposal"]))
    assert (np.diff(exist.astype(int), axis=1) <= 0).all()
    assert 5 < exist.sum(axis=1).min() < 24
    assert (train["proposal"][~exist] == 0).all()
    np.testing.assert_array_equal(train["proposal"][3], settings.search.boxes(3, train["image"][3]))


def test_the_loss_is_that_of_drawn_regions_one_by_one(settings, dataset, params):
    """Of each the label is that of the object it lies on; a quarter are on objects, or as many as there are."""
    classifier = region_classifier(settings, dataset)
    scenes = jax.tree.map(jnp.asarray, dataset.head("train", 3))
    keys = jax.random.split(jax.random.key(1), 3)
    losses, metrics = classifier.loss(count=8, objects=2)(params, scenes, keys)
    for number in range(3):
        scene = {name: np.asarray(each[number]) for name, each in scenes.items()}
        boxes = np.concatenate([scene["proposal"], scene["box"]])
        kinds = []
        for box in boxes:
            over = [
                (overlap(box, other), -place) for place, other in enumerate(scene["box"]) if scene["label"][place] >= 0
            ]
            best, place = max(over)
            kinds.append(-1 if box[2] <= box[0] else int(scene["label"][-place]) if best >= 0.5 else 3)
        kinds, order = np.array(kinds), np.asarray(jax.random.uniform(keys[number], (len(boxes),)))
        drawn = [
            place
            for among, most in (((kinds >= 0) & (kinds < 3), 2), (kinds == 3, 6))
            for place in sorted(np.flatnonzero(among), key=lambda place: -order[place])[:most]
        ]
        crops = jnp.stack(
            [
                crop_resized(
                    scenes["image"][number], with_context(jnp.asarray(boxes[p]), image=(32, 32), context=0.08), size=8
                )
                for p in drawn
            ]
        )
        chances = np.asarray(jax.nn.log_softmax(classifier.model.apply(params, crops)))
        np.testing.assert_allclose(losses[number], -chances[range(len(drawn)), kinds[drawn]].mean(), rtol=1e-4)
        wrong = (chances.argmax(axis=1) != kinds[drawn]).sum()
        assert [float(part[number]) for part in metrics["error"]] == [100 * wrong, len(drawn)]


def test_what_is_kept_is_what_loops_keep(settings, dataset, params):
    classifier = region_classifier(settings, dataset)
    scenes = jax.tree.map(jnp.asarray, dataset.head("test", 4))
    found = jax.jit(lambda given: classifier.finds(settings.objective, params, given))(scenes)
    said = jax.jit(lambda given: jax.nn.softmax(classifier.says(params, given["image"], given["proposal"])))(scenes)
    for number in range(4):
        boxes, kept = np.asarray(scenes["proposal"][number]), []
        for label in range(3):
            own = []
            for place in np.argsort(-np.asarray(said[number, :, label]), kind="stable"):
                exists = boxes[place, 2] > boxes[place, 0]
                if exists and all(overlap(boxes[place], boxes[other]) <= 0.5 for other in own):
                    own.append(place)
            kept += [(float(said[number, place, label]), label, place) for place in own[:5]]
        best = sorted(kept, reverse=True)[:5]
        np.testing.assert_allclose(found.score[number], [score for score, *_ in best], rtol=1e-5)
        assert found.label[number].tolist() == [label for _, label, _ in best]
        np.testing.assert_array_equal(found.box[number], boxes[[place for *_, place in best]])


def test_windows_are_the_same_in_an_order_that_is_drawn(settings, dataset):
    scenes = jax.tree.map(jnp.asarray, dataset.head("test", 3))
    windows = windows_for((32, 32), least=8.0, most=20.0)
    sides = Counter(np.round(np.sqrt((windows[:, 2:] - windows[:, :2]).prod(axis=1)), 3).tolist())
    assert len(sides) == 4
    np.testing.assert_allclose([min(sides), max(sides)], [8, 20], rtol=1e-3)
    one, other = (jax.jit(lambda key: overlaps(settings, scenes, key))(jax.random.key(i)) for i in (0, 1))
    np.testing.assert_array_equal(one["selective_search"], other["selective_search"])
    np.testing.assert_array_equal(one["sliding_windows"][:, -1], other["sliding_windows"][:, -1])
    assert one["sliding_windows"].shape[1] == len(windows)
    assert np.any(one["sliding_windows"][:, 10] != other["sliding_windows"][:, 10])
    box = np.asarray(scenes["box"][0, 0])
    assert one["sliding_windows"][0, -1, 0] == pytest.approx(max(overlap(box, each) for each in windows), rel=1e-5)


def test_all_regions_cost_as_often_as_there_are_proposals(settings, dataset):
    found = costs(settings, dataset)
    assert found["regions"] == 24 * (4 * 4 * (2 * 9 * 3 * 2 + 2) + 2 * 32 * 4 + 4)
    assert found["single_shot"] > 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"on_objects": 16}, "--on-objects 16 must be less than --sampled 16"),
        ({"proposals": 8}, "no more than --proposals 8"),
        ({"pattern": "CONV 4 → BN → RELU → FC"}, "--pattern with BN"),
        ({"image_size": 40, "most_side": 20.0}, "--image-size 40 must be a multiple of 16"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(fields, message):
    with pytest.raises(ValueError, match=message) as caught:
        configure(RegionProposalsSettings(), fields)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_evaluation_batch():
    run, params = trained("region_proposals", configure(RegionProposalsSettings(), SMALL | {"steps": 10}))
    assert_same_at_every_evaluation_batch(run, params)


@pytest.mark.slow
def test_it_finds_shapes_in_few_scenes(undrawn, tmp_path):
    found = metrics_of_run("region_proposals", tmp_path, steps=300, scenes=150, held_out=40)
    assert found["regions/ap50"] > 65
    assert found["selective_search/recall"] > 95 > 60 > found["sliding_windows/recall"]
