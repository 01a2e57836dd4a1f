"""Data sets made smaller: fewer images, and fewer pixels, as they were when machines were."""

import numpy as np
from jaxtyping import Float

from experiments.datasets.dataset import DataError, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.splitting import fixed_permutation
from experiments.numerals import counted


def fewer(dataset: Dataset, *, train: int, test: int) -> Dataset:
    """The first ``train`` and ``test`` images of these splits in a fixed random order; valid stays as it is.

    ``DataError`` where there are not as many, or where the data are streamed.
    """
    splits = dict(dataset.splits)
    for split, count in (("train", train), ("test", test)):
        examples = dataset.whole(split)
        size = len(next(iter(examples.values())))
        if count > size:
            raise DataError(
                f"{dataset.name} has {counted(size, 'image')} in its {split} split, expected at least {count:,}"
            )
        places = fixed_permutation(size)[:count]
        splits[split] = {name: array[places] for name, array in examples.items()}
    protocol = f"{dataset.protocol}, {train:,} of train and {test:,} of test by a fixed permutation"
    return dataset._replace(splits=splits, protocol=protocol, fingerprint=fingerprint(splits))


def resized(dataset: Dataset, *, side: int) -> Dataset:
    """Images of ``side`` × ``side`` pixels, by ``bilinear``; ``DataError`` where the data are streamed."""
    splits = {split: dataset.whole(split) for split in dataset.splits}
    splits = {split: examples | {"image": bilinear(examples["image"], side)} for split, examples in splits.items()}
    protocol = f"{dataset.protocol}, resized to {side}×{side}"
    return dataset._replace(splits=splits, protocol=protocol, fingerprint=fingerprint(splits))


def bilinear(
    images: Float[np.ndarray, "examples height width channels"], side: int
) -> Float[np.ndarray, "examples side side channels"]:
    """Each new pixel from the two nearest rows and columns around its centre, without smoothing before.

    The centre of row i of n stands at (i + ½) h / n − ½, at the border at the border; as ``interpolate`` of PyTorch
    with mode "bilinear".
    """
    rows, columns = (_weights(size, side) for size in images.shape[1:3])
    return np.einsum("ih,nhwc,jw->nijc", rows, images, columns, optimize=True).astype(np.float32)


def _weights(size: int, side: int) -> Float[np.ndarray, "side size"]:
    centres = np.clip((np.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(size))).astype(np.float32)
