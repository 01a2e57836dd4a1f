"""The digits of scikit-learn: 1,797 images of 8×8 pixels with 17 grey levels. No network, no folder."""

import numpy as np

from experiments.datasets.dataset import SPLITS, RawData

BOUNDARIES = (1_297, 1_547)
"""Where valid and test begin: 1,297 train, 250 valid, 250 test."""


def read_digits() -> RawData:
    """The digits, shuffled once by Philox(0), as intensities value / 16: image [N, 8, 8, 1] and label [N].

    Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits" (UCI), as scikit-learn ships them.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.Generator(np.random.Philox(0)).permutation(len(digits.target))
    images = np.split((digits.images[order, :, :, None] / 16).astype(np.float32), BOUNDARIES)
    labels = np.split(digits.target[order].astype(np.int32), BOUNDARIES)
    splits = {
        split: {"image": image, "label": label} for split, image, label in zip(SPLITS, images, labels, strict=True)
    }
    return RawData("digits", splits, levels=17, classes=10)
