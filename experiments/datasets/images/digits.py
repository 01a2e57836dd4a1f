"""The digits of scikit-learn: 1,797 images of 8×8 pixels with 17 grey levels. No network, no folder."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import SPLITS, RawData

FILE = "datasets/data/digits.csv.gz"
"""In scikit-learn's folder: 64 values and a label a line. Importing scikit-learn would take most of a second."""
BOUNDARIES = (1_297, 1_547)
"""Where valid and test begin: 1,297 train, 250 valid, 250 test."""


def read_digits() -> RawData:
    """The digits, shuffled once by Philox(0), as intensities value / 16: image [N, 8, 8, 1] and label [N].

    Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits" (UCI), as scikit-learn ships them.
    """
    rows = np.loadtxt(_file(), delimiter=",", dtype=np.float32)
    rows = rows[np.random.Generator(np.random.Philox(0)).permutation(len(rows))]
    images = np.split(rows[:, :-1].reshape(-1, 8, 8, 1) / 16, BOUNDARIES)
    labels = np.split(rows[:, -1].astype(np.int32), BOUNDARIES)
    splits = {
        split: {"image": image, "label": label} for split, image, label in zip(SPLITS, images, labels, strict=True)
    }
    return RawData("digits", splits, levels=17, classes=10)


def _file() -> Path:
    return Path(find_spec("sklearn").origin).parent / FILE
