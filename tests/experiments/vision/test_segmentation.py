"""Tiles are the whole picture, pixels without labels do not train, and numbers are those of whole sets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, metrics_of_run, trained

from experiments.datasets import DataError
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.vision.unet.experiment import at_once, by_tiles, scores_of

SMALL = {"scenes": 16, "held_out": 20, "side": 16, "objects": 2, "batch_size": 8}


def settings_of(name, **fields):
    return configure(load(name).settings(), SMALL | fields)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("channels", [(2, 3), (2, 2, 3)])
def test_tile_by_tile_is_at_once(padding, channels):
    """Not only the classes: the scores."""
    settings = settings_of("unet", padding=padding, channels=channels)
    run = prepare("unet", "default", settings)
    params = jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
        run.task().init(jax.random.key(0)).params,
    )
    picture = jnp.asarray(settings.pixels.large(3)["image"])
    scores = [jax.jit(make(settings, run.dataset))(params, picture) for make in (by_tiles, at_once)]
    assert scores[0].shape == (48, 48, 4)
    assert np.ptp(scores[0]) > 0.1
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_pixels_without_labels_do_not_train():
    """Whatever stands in the labels' place: the step is that of images whose hidden classes are others."""
    run = prepare(
        "unet", "default", settings_of("unet", channels=(2, 3), unlabelled=0.5, border_weight=0.0, warmup_steps=0)
    )
    task, batch = run.task(), {name: jnp.asarray(each[:8]) for name, each in run.dataset.splits["train"].items()}
    hidden = batch["labels"] == 255
    assert hidden.any()
    state, step = task.init(jax.random.key(0)), jax.jit(task.step)
    first, _ = step(state, batch)
    again, _ = step(state, batch | {"labels": jnp.where(hidden, -1, batch["labels"])})
    other, _ = step(state, batch | {"labels": jnp.where(hidden, 1, batch["labels"])})
    jax.tree.map(np.testing.assert_array_equal, first.params, again.params)
    assert any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (first.params, other.params)), strict=True))


def test_numbers_do_not_depend_on_the_evaluation_batch():
    run, params = trained("unet", settings_of("unet", channels=(2, 2), steps=20))
    found = assert_same_at_every_evaluation_batch(run, params)
    of_classes = [value for name, value in found.items() if name.endswith("_iou") and name != "mean_iou"]
    assert len([name for name in found if name.endswith("_iou")]) >= 4
    assert 0 <= np.nanmin(of_classes) <= 100
    assert found["tiles/difference"] < 1


@pytest.mark.slow
def test_numbers_of_side_by_side_nets_do_not_depend_on_it_either():
    run, params = trained("fcn", settings_of("fcn", channels=(2, 3, 3), steps=20, depth=1))
    assert {"32s/mean_iou", "8s_concatenated/error"} <= assert_same_at_every_evaluation_batch(run, params).keys()


@pytest.mark.slow
def test_finer_forms_overlap_more(tmp_path):
    metrics = metrics_of_run("fcn", tmp_path, steps=500)
    assert metrics["32s/mean_iou"] < metrics["16s/mean_iou"] < metrics["8s/mean_iou"]


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="multiples of 4"):
        prepare("unet", "default", settings_of("unet", channels=(2, 2, 2), side=18))
    with pytest.raises(DataError, match="multiples of 8"):
        prepare("fcn", "default", settings_of("fcn", channels=(2, 2, 2), side=20))
    for name in ("fcn", "unet"):
        with pytest.raises(ValueError, match="--least-side 14 must be at most --most-side 24 and --side 8"):
            settings_of(name, side=8)
    with pytest.raises(ValueError, match="too few for the skips"):
        settings_of("fcn", channels=(2, 2))
    with pytest.raises(ValueError, match="even number of pixels is needed, got 21"):
        settings_of("unet").side_for(21)
    settings = settings_of("unet", padding="VALID", channels=(2, 2, 2), side=18)
    run = prepare("unet", "default", settings)
    params, scores = run.task().init(jax.random.key(0)).params, scores_of(settings, run.dataset)
    assert jax.eval_shape(scores, params, jnp.zeros((3, 18, 18, 1))).shape == (3, 18, 18, 4)
