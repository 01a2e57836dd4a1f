"""Test splits whose only example is a whole set of images: for metrics that no single image has."""

import numpy as np

from experiments.datasets import DataError, Dataset


def with_test_split_as_one(dataset: Dataset, at_most: int) -> Dataset:
    """The data set whose only test example is the first ``at_most`` test images at once."""
    whole = {name: array[None] for name, array in dataset.head("test", at_most).items()}
    return dataset._replace(splits=dict(dataset.splits) | {"test": whole})


def without_label(dataset: Dataset, label: int) -> Dataset:
    """The data set without the images of one label: they are all among the test examples, as "left_out".

    ``DataError`` where there are none, or where the data are streamed, so that labels are not known at once.
    """
    splits = dataset.splits
    if not all(isinstance(examples, dict) for examples in splits.values()):
        raise DataError(f"{dataset.name} is streamed: --left-out needs all labels at once")
    left = np.concatenate([examples["image"][examples["label"] == label] for examples in splits.values()])
    if not len(left):
        raise DataError(f"no image of {dataset.name} has the label {label} that --left-out names")
    kept = {
        split: {name: array[examples["label"] != label] for name, array in examples.items()}
        for split, examples in splits.items()
    }
    kept["test"] |= {"left_out": left}
    return dataset._replace(splits=kept, protocol=f"{dataset.protocol}, label {label} left out")
