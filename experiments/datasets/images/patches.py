"""Patches of two photographs: small coloured images in classes, for nets of colours that need no download."""

from itertools import product

import numpy as np

from experiments.datasets.dataset import SPLITS, RawData
from experiments.datasets.images.photographs import photograph_pixels

SIDE = 32
"""pixels of a side"""
CUT = (32, 48, 64)
"""pixels of a side that patches are cut with, before they are made small"""
ROWS, COLUMNS = ("top", "bottom"), ("left", "middle", "right")
PER_CLASS = {"train": 240, "valid": 30, "test": 30}


def read_patches() -> RawData:
    """Squares from twelve regions of scikit-learn's photographs: image [N, 32, 32, 3] in [0, 1] and label [N].

    A class is a region: a third of the width and half of the height of the temple or of the flower. Squares of 32, 48
    or 64 pixels are cut anywhere in it, half of them mirrored, and made 32 pixels wide; all by Philox(0). They overlap,
    so held-out patches show no places that are new.
    """
    from PIL import Image

    random = np.random.Generator(np.random.Philox(0))
    regions = list(product(("china", "flower"), ROWS, COLUMNS))
    pixels = {name: photograph_pixels(name) for name in ("china", "flower")}
    splits = {}
    for split in SPLITS:
        count = PER_CLASS[split]
        labels = random.permutation(np.repeat(np.arange(len(regions), dtype=np.int32), count))
        images = np.empty((len(labels), SIDE, SIDE, 3), np.float32)
        for place, label in enumerate(labels):
            name, row, column = regions[label]
            height, width = pixels[name].shape[0] // len(ROWS), pixels[name].shape[1] // len(COLUMNS)
            side = int(random.choice(CUT))
            first = ROWS.index(row) * height + random.integers(height - side + 1)
            left = COLUMNS.index(column) * width + random.integers(width - side + 1)
            cut = Image.fromarray(pixels[name][first : first + side, left : left + side])
            small = np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.LANCZOS)) / np.float32(255)
            images[place] = small[:, ::-1] if random.integers(2) else small
        splits[split] = {"image": images, "label": labels}
    names = tuple(f"{name}, {row} {column}" for name, row, column in regions)
    note = "overlapping squares of two photographs, drawn once for each split"
    return RawData("patches", splits, 256, len(regions), names, notes=(note,))
