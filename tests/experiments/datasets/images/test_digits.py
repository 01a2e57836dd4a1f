"""The digits against scikit-learn's own array."""

from collections import Counter

import numpy as np
from sklearn.datasets import load_digits

from experiments.datasets.images.digits import read_digits


def test_undoing_the_permutation_gives_the_bytes_of_scikit_learn() -> None:
    splits = read_digits().splits
    image, label = (
        np.concatenate([splits[split][key] for split in ("train", "valid", "test")]) for key in splits["test"]
    )
    original = np.argsort(np.random.Generator(np.random.Philox(0)).permutation(1_797))
    assert image.dtype == np.float32
    assert label.dtype == np.int32
    assert (image[original, ..., 0].astype(np.float64) * 16).tobytes() == load_digits().images.tobytes()
    assert label[original].tolist() == load_digits().target.tolist()


def test_splits_have_the_published_sizes_and_together_every_digit_once() -> None:
    raw = read_digits()
    assert {split: examples["image"].shape for split, examples in raw.splits.items()} == {
        "train": (1_297, 8, 8, 1),
        "valid": (250, 8, 8, 1),
        "test": (250, 8, 8, 1),
    }
    pairs = [
        (image.tobytes(), int(label))
        for examples in raw.splits.values()
        for image, label in zip(examples["image"], examples["label"], strict=True)
    ]
    published = load_digits()
    scaled = (published.images / 16).astype(np.float32)
    assert Counter(pairs) == Counter(zip((image.tobytes() for image in scaled), published.target.tolist(), strict=True))


def test_levels_count_the_values_that_occur() -> None:
    raw = read_digits()
    values = np.unique(np.concatenate([examples["image"].ravel() for examples in raw.splits.values()]))
    assert len(values) == raw.levels
    assert (values.min(), values.max()) == (0, 1)
