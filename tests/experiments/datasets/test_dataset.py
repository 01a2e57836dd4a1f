"""The fingerprint tells data sets apart, and nothing else does."""

import hashlib
from copy import deepcopy

import numpy as np
import pytest

from experiments.datasets import DataError, fingerprint
from experiments.datasets.dataset import training_size


@pytest.fixture
def splits() -> dict[str, dict[str, np.ndarray]]:
    """Two splits of two arrays, one of them empty."""
    return {
        split: {"image": np.arange(count * 4, dtype=np.float32).reshape(count, 2, 2, 1), "label": np.arange(count)}
        for split, count in (("train", 3), ("test", 0))
    }


def test_it_is_the_hash_that_the_docstring_says() -> None:
    array = np.array([[1, 2], [3, 4]], np.uint8)
    expected = hashlib.sha256(b"test/label |u1 (2, 2)\n\x01\x02\x03\x04").hexdigest()
    assert fingerprint({"test": {"label": array}}) == f"sha256:{expected}"
    assert fingerprint({"test": {"label": np.asfortranarray(array)}}) == f"sha256:{expected}"


def test_order_of_splits_and_arrays_does_not_matter(splits: dict[str, dict[str, np.ndarray]]) -> None:
    reversed_order = {split: dict(reversed(arrays.items())) for split, arrays in reversed(splits.items())}
    assert list(reversed_order) != list(splits)
    assert fingerprint(reversed_order) == fingerprint(splits)


def test_every_pixel_matters(splits: dict[str, dict[str, np.ndarray]]) -> None:
    pixels = splits["train"]["image"].size
    prints = {fingerprint(splits)}
    for pixel in range(pixels):
        changed = deepcopy(splits)
        changed["train"]["image"].flat[pixel] = np.nextafter(changed["train"]["image"].flat[pixel], np.float32(99))
        prints.add(fingerprint(changed))
    assert len(prints) == pixels + 1


def test_names_dtypes_and_shapes_matter(splits: dict[str, dict[str, np.ndarray]]) -> None:
    image = splits["train"]["image"]
    variants = [
        splits,
        splits | {"valid": splits["test"]},
        {"valid": splits["train"], "test": splits["test"]},
        splits | {"train": {"picture": image, "label": splits["train"]["label"]}},
        splits | {"train": splits["train"] | {"image": image.reshape(3, 4, 1, 1)}},
        splits | {"train": splits["train"] | {"image": image.view(np.int32)}},
    ]
    assert len({fingerprint(variant) for variant in variants}) == len(variants)


@pytest.mark.parametrize(("count", "size"), [(60_000, 50_000), (6, 5), (11, 10), (12, 10)])
def test_the_last_sixth_is_held_out(count: int, size: int) -> None:
    assert training_size(count, "here") == size


def test_an_error_is_one_line() -> None:
    assert str(DataError("first\n  second\nthird")) == "first second third"
