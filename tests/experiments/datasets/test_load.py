"""The door: names, what is asked of them, protocols in words, and what importing costs."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from idx_files import write_idx

from experiments.datasets import DataError, load


def test_auto_is_digits_without_a_folder_and_idx_with_one(idx_folder: SimpleNamespace) -> None:
    digits = load("auto", data_dir=None, binarization="stochastic")
    assert (digits.name, digits.levels) == ("digits", 17)
    assert digits.protocol == "digits 1297/250/250, stochastic binarisation"
    idx = load("auto", data_dir=idx_folder.path, binarization="none")
    assert (idx.name, idx.levels) == ("idx", 256)
    assert idx.protocol == "idx 10/2/4, intensities in [0, 1]"
    assert (digits.image_shape, idx.image_shape) == ((8, 8, 1), (3, 5, 1))


def test_train_and_valid_together_are_every_training_image_in_order(idx_folder: SimpleNamespace) -> None:
    apart = load("idx", data_dir=idx_folder.path, binarization="none")
    together = load("idx", data_dir=idx_folder.path, binarization="none", train_on="train+valid")
    assert together.protocol == "idx 10/2/4, trained on train+valid (12), intensities in [0, 1]"
    published = idx_folder.images["train"][..., None].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(together.splits["train"]["image"], published)
    assert together.splits["train"]["label"].tolist() == idx_folder.labels["train"].tolist()
    for split in ("valid", "test"):
        np.testing.assert_array_equal(together.splits[split]["image"], apart.splits[split]["image"])
    assert together.fingerprint != apart.fingerprint


def test_static_binarisation_is_drawn_once_for_all_and_apart_for_each_split() -> None:
    grey = load("digits", data_dir=None, binarization="none").splits
    static, again = (load("digits", data_dir=None, binarization="static") for _ in range(2))
    assert static.protocol == "digits 1297/250/250, static binarisation"
    assert static.fingerprint == again.fingerprint
    for split, examples in static.splits.items():
        image, intensity = examples["image"], grey[split]["image"]
        assert image.shape == intensity.shape
        assert set(np.unique(image)) == {0.0, 1.0}
        standard_error = np.sqrt((intensity * (1 - intensity)).sum()) / image.size
        assert abs(image.mean(dtype=np.float64) - intensity.mean(dtype=np.float64)) < 5 * standard_error
        assert examples["label"].tolist() == grey[split]["label"].tolist()


def test_the_splits_do_not_share_their_draw(idx_folder: SimpleNamespace) -> None:
    write_idx(idx_folder.path / "train-images-idx3-ubyte.gz", np.full((12, 40, 40), 128, np.uint8))
    write_idx(idx_folder.path / "t10k-images-idx3-ubyte.gz", np.full((4, 40, 40), 128, np.uint8))
    splits = load("idx", data_dir=idx_folder.path, binarization="static").splits
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        difference = (splits[one]["image"][:2] != splits[other]["image"][:2]).mean()
        assert abs(difference - 0.5) < 0.05, "independent fair bits differ half the time"


def test_training_on_both_keeps_the_draw_of_each(idx_folder: SimpleNamespace) -> None:
    apart, together = (
        load("idx", data_dir=idx_folder.path, binarization="static", train_on=train_on).splits
        for train_on in ("train", "train+valid")
    )
    expected = np.concatenate([apart["train"]["image"], apart["valid"]["image"]])
    np.testing.assert_array_equal(together["train"]["image"], expected)


def test_stochastic_leaves_the_intensities() -> None:
    none, stochastic = (load("digits", data_dir=None, binarization=kind) for kind in ("none", "stochastic"))
    assert none.fingerprint == stochastic.fingerprint
    assert none.protocol != stochastic.protocol


@pytest.mark.parametrize(
    ("name", "data_dir", "message"),
    [
        ("mnits", None, "no data set 'mnits'; did you mean mnist"),
        ("DIGITS", None, "did you mean digits"),
        ("tfds:", None, "did you mean tfds:NAME"),
        ("qqq", None, "the names are auto, digits, patches, folder, idx, mnist, npz, text, tfds:NAME"),
        ("mnist", None, "mnist is read from a folder: add --data-dir FOLDER"),
        ("idx", None, "idx is read from a folder: add --data-dir FOLDER"),
        ("tfds:mnist", None, "tfds:mnist is read from a folder: add --data-dir FOLDER"),
        ("digits", Path("/some/where"), "leave out --data-dir, or type --data idx to read .* /some/where"),
    ],
)
def test_a_wrong_request_says_what_to_type(name: str, data_dir: Path | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(name, data_dir=data_dir, binarization="none")


def test_a_home_folder_is_expanded(idx_folder: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(idx_folder.path.parent))
    assert load("idx", data_dir=Path("~") / idx_folder.path.name, binarization="none").name == "idx"


def test_importing_costs_no_heavy_library() -> None:
    heavy = {"sklearn", "PIL", "scipy", "tensorflow_datasets", "tensorflow", "grain", "jax"}
    code = f"import sys, experiments.datasets; print(sorted({heavy!r} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
