"""Data sets without the examples of one label, which are kept apart as what was never seen."""

import numpy as np

from experiments.datasets.dataset import DataError, Dataset

LEFT_OUT = "left_out"
"""The split that holds them."""


def without_label(dataset: Dataset, label: int) -> Dataset:
    """The data set without the images of one label: those of all splits are a split of their own, "left_out".

    ``DataError`` where there are none, or where the data are streamed, so that labels are not known at once.
    """
    splits = {split: dataset.whole(split) for split in dataset.splits}
    left = np.concatenate([examples["image"][examples["label"] == label] for examples in splits.values()])
    if not len(left):
        raise DataError(f"no image of {dataset.name} has the label {label} that --left-out names")
    kept = {
        split: {name: array[examples["label"] != label] for name, array in examples.items()}
        for split, examples in splits.items()
    }
    protocol = f"{dataset.protocol}, label {label} left out"
    return dataset._replace(splits=kept | {LEFT_OUT: {"image": left}}, protocol=protocol)
