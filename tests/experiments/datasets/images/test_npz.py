"""Arrays in an .npz come back, and what is none of the kinds that are read is refused in a line."""

from pathlib import Path

import numpy as np
import pytest

from experiments.datasets import DataError, load

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (40, 4, 5), np.uint8)
LABELS = GENERATOR.permutation(np.arange(40) % 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.npz"


def intensities(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / np.float32(255)


def test_unsplit_arrays_are_split_by_a_fixed_permutation(path: Path) -> None:
    np.savez(path, image=IMAGES, label=LABELS)
    dataset = load("npz", data_dir=path)
    assert dataset.protocol == "npz mine.npz 32/4/4, split 80/10/10 by a fixed permutation, intensities in [0, 1]"
    assert (dataset.classes, dataset.levels, dataset.image_shape) == (4, 256, (4, 5, 1))
    order = np.random.Generator(np.random.Philox(0)).permutation(40)
    whole = {key: np.concatenate([each[key] for each in dataset.splits.values()]) for key in ("image", "label")}
    np.testing.assert_array_equal(whole["image"][..., 0], intensities(IMAGES[order]))
    np.testing.assert_array_equal(whole["label"], LABELS[order])
    assert whole["label"].dtype == np.int32


def test_floats_are_taken_as_they_are_and_labels_are_not_needed(path: Path) -> None:
    images = GENERATOR.random((10, 3, 4, 2))
    np.savez_compressed(path, image=images)
    dataset = load("npz", data_dir=path)
    assert (dataset.classes, dataset.levels, dataset.image_shape, list(dataset.example())) == (
        0,
        0,
        (3, 4, 2),
        ["image"],
    )
    order = np.random.Generator(np.random.Philox(0)).permutation(10)
    np.testing.assert_array_equal(dataset.splits["train"]["image"], images[order[:8]].astype(np.float32))


def test_splits_are_kept(path: Path) -> None:
    parts = {"train": slice(0, 24), "valid": slice(24, 30), "test": slice(30, 40)}
    arrays = {
        f"{split}_{key}": array[part]
        for split, part in parts.items()
        for key, array in (("image", IMAGES), ("label", LABELS))
    }
    np.savez(path, **arrays)
    dataset = load("npz", data_dir=path)
    assert dataset.protocol == "npz mine.npz 24/6/10, intensities in [0, 1]"
    for split, part in parts.items():
        np.testing.assert_array_equal(dataset.splits[split]["image"][..., 0], intensities(IMAGES[part]))
        np.testing.assert_array_equal(dataset.splits[split]["label"], LABELS[part])


def test_training_arrays_sorted_by_class_are_permuted_before_a_sixth_is_held_out(path: Path) -> None:
    np.savez(path, train_image=IMAGES, train_label=np.sort(LABELS), test_image=IMAGES[:5], test_label=LABELS[:5])
    dataset = load("npz", data_dir=path)
    assert "34/6/5, training examples sorted by class, split by a fixed permutation" in dataset.protocol
    assert set(dataset.splits["train"]["label"].tolist()) == set(range(4))
    assert len(set(dataset.splits["valid"]["label"].tolist())) > 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": IMAGES}, "expected the arrays image and optionally label, or train_image .*, found x_train; save"),
        ({"train_image": IMAGES}, "found train_image; save"),
        ({"image": IMAGES, "test_image": IMAGES}, "found image, test_image; save"),
        ({"image": IMAGES[0]}, r"image has the shape \(4, 5\): expected \[N, H, W\]"),
        ({"image": IMAGES.astype(np.int32)}, r"image is of type int32: expected uint8, .* use .astype\(np.uint8\)"),
        ({"image": IMAGES / 128}, r"image: expected floats in \[0, 1\], found 0 to 1.99.*; scale them"),
        ({"image": np.full((10, 4, 5), np.nan)}, r"expected floats in \[0, 1\], found NaN"),
        ({"image": IMAGES, "label": LABELS[:39]}, r"label has the shape \(39,\): expected \(40,\)"),
        ({"image": IMAGES, "label": LABELS - 1}, "mine.npz: label -1 in split"),
        ({"image": IMAGES, "label": LABELS / 2}, "in split train is of type float64: expected whole numbers"),
        ({"image": IMAGES, "label": LABELS.astype(object)}, "cannot be read as .npz .*save arrays by np.savez"),
        ({"train_image": IMAGES, "test_image": IMAGES[:, :3]}, "one size, found train 4×5×1, valid 4×5×1, test 3×5×1"),
        ({"train_image": IMAGES, "test_image": IMAGES, "train_label": LABELS}, "test_label is missing: save labels of"),
    ],
)
def test_other_arrays_are_refused(path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message):
        load("npz", data_dir=path)


def test_other_files_are_refused(path: Path) -> None:
    for content in (b"", b"<html>", b"PK\x03\x04 and no more"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"mine.npz: cannot be read as .npz"):
            load("npz", data_dir=path)
    with pytest.raises(DataError, match=r"nowhere.npz: cannot be read as .npz .*No such file"):
        load("npz", data_dir=path.with_name("nowhere.npz"))
    with pytest.raises(DataError, match=r"expected an .npz file, found a folder; --data folder reads its pictures"):
        load("npz", data_dir=path.parent)
    np.save(path.with_name("one.npy"), IMAGES)
    with pytest.raises(DataError, match=r"expected an .npz of named arrays, found one array"):
        load("npz", data_dir=path.with_name("one.npy"))


def test_a_damaged_file_is_refused(path: Path) -> None:
    np.savez_compressed(path, image=IMAGES)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"mine.npz: cannot be read as .npz"):
        load("npz", data_dir=path)
