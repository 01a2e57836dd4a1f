"""Labels are those of the scenes, and squares are unlabelled where they are asked for."""

import jax.numpy as jnp
import numpy as np

from experiments.datasets.generated_scenes import shape_scenes
from experiments.datasets.labelled_pixels import CLASSES, PixelData, with_border_weights
from losses.segmentation import border_weights

SMALL = {"scenes": 4, "held_out": 2, "side": 32, "objects": 3}


def test_labels_are_the_masks_of_the_scenes():
    dataset = PixelData(**SMALL).load()
    scenes = shape_scenes(examples=4, held_out=2, size=32, objects=3, least=14, most=24, noise=0.03)
    np.testing.assert_array_equal(dataset.splits["test"]["labels"], scenes.splits["test"]["mask"])
    np.testing.assert_array_equal(dataset.splits["train"]["image"], scenes.splits["train"]["image"])
    assert dataset.classes == len(CLASSES) == 4
    labels, instance = (dataset.splits["train"][name] for name in ("labels", "instance"))
    np.testing.assert_array_equal(labels > 0, instance > 0)


def test_a_square_is_unlabelled_in_training_alone():
    dataset = PixelData(**SMALL, unlabelled=0.5).load()
    hidden = dataset.splits["train"]["labels"] == 255
    assert (hidden.sum(axis=(1, 2)) == 16 * 16).all()
    assert hidden[:, 8:24, 8:24].all()
    assert dataset.splits["test"]["labels"].max() < len(CLASSES)
    assert "a square of 16 a side unlabelled" in dataset.protocol
    assert dataset.fingerprint != PixelData(**SMALL).load().fingerprint


def test_pixels_between_two_shapes_weigh_more():
    dataset = with_border_weights(PixelData(**SMALL).load(), weight=10.0, width=5.0)
    instance, weights = (dataset.splits["train"][name][0] for name in ("instance", "weights"))
    masks = np.stack([instance == number for number in (1, 2, 3)])
    np.testing.assert_allclose(weights, 1 + np.asarray(border_weights(jnp.asarray(masks))), rtol=1e-5)
    assert "weights" not in dataset.splits["test"]


def test_large_scenes_have_labels_too():
    scene = PixelData(**SMALL).large(3)
    assert scene["image"].shape == (96, 96, 1)
    assert set(np.unique(scene["labels"])) == {0, 1, 2, 3}


def test_windows_side_by_side_are_scenes_that_reach_across_them():
    """Nine of them put together: every shape is a number of its own, with one class, and some lie in two windows."""
    dataset = PixelData(scenes=12, held_out=2, side=32, objects=2, windows=0.75).load()
    image, labels, instance = (dataset.splits["train"][name] for name in ("image", "labels", "instance"))
    assert "9 for training are windows of larger ones" in dataset.protocol
    np.testing.assert_array_equal(
        image[9:], PixelData(scenes=12, held_out=2, side=32).load().splits["train"]["image"][9:]
    )

    def whole(windows):
        return np.block([[windows[3 * row + column] for column in range(3)] for row in range(3)])

    labels, instance = whole(labels[:9]), whole(instance[:9])
    classes = [np.unique(labels[instance == number]) for number in range(instance.max() + 1)]
    assert all(len(each) == 1 for each in classes)
    across = [
        number for number in range(1, len(classes)) if len(set((np.argwhere(instance == number) // 32).ravel())) > 1
    ]
    assert len(across) > 2
