"""Another number of examples for validation than a data set has."""

from experiments.datasets.dataset import DataError, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.sources import concatenate, select, size
from experiments.numerals import counted


def with_held_out(dataset: Dataset, count: int) -> Dataset:
    """The last ``count`` of train followed by valid are held out for validation, the others are trained on.

    ``DataError`` where nothing would be left to train on, or where valid is trained on.
    """
    if dataset.held_out != "valid":
        raise DataError("--held-out divides what --train-on train+valid trains on as a whole: leave one of them out")
    together = concatenate(dataset.splits["train"], dataset.splits["valid"])
    if (kept := size(together) - count) < 1:
        raise DataError(f"--held-out {count:,} leaves none of the {counted(size(together), 'image')} of {dataset.name}")
    parts = {"train": slice(0, kept), "valid": slice(kept, None)}
    splits = dataset.splits | {split: select(together, part, split) for split, part in parts.items()}
    protocol = f"{dataset.protocol}, of which {kept:,} are trained on and {count:,} held out"
    return dataset._replace(splits=splits, protocol=protocol, fingerprint=fingerprint(splits))
