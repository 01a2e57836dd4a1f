"""Data sets as arrays or random-access sources, with a protocol in words and a fingerprint for the ledger.

`load` is the only door: it reads one data set, binarises it where asked, and says exactly what was done.
Heavy libraries are imported by the reader that needs them, so importing this package costs no more than NumPy.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from experiments.datasets.dataset import SPLITS, DataError, Dataset, Examples, RawData, fingerprint
from experiments.datasets.images.binarize import binarize
from experiments.datasets.images.digits import read_digits
from experiments.datasets.images.idx import read_idx_folder, read_mnist
from experiments.datasets.images.tfds import read_tfds
from experiments.datasets.sources import RandomAccessSource, concatenate

__all__ = ["DataError", "Dataset", "Examples", "RandomAccessSource", "fingerprint", "load"]

BINARIZATION_IN_WORDS = {
    "none": "intensities in [0, 1]",
    "static": "static binarisation",
    "stochastic": "stochastic binarisation",
}
FOLDER_READERS = {"idx": read_idx_folder, "mnist": read_mnist}
FIXED_NAMES = ("digits", *FOLDER_READERS)


def load(
    name: str,
    *,
    data_dir: Path | None,
    binarization: Literal["none", "static", "stochastic"],
    train_on: Literal["train", "train+valid"] = "train",
) -> Dataset:
    """The data set `name` with splits "train", "valid" and "test".

    Images are float32 intensities in [0, 1] of shape [N, H, W, C] under "image"; labels are int32 [N] under "label".
    Streams (large TFDS data sets) give one example at a time, without the leading N.

    Args:
        name: "digits" (ships with scikit-learn); "mnist" (28×28, 60,000 + 10,000) or "idx" (any size) for a folder with
            four IDX files; "tfds:NAME" for a data set prepared by TensorFlow Datasets; "auto" is "digits" without
            `data_dir` and "idx" with it.
        data_dir: the folder to read; None for "digits".
        binarization: "static" draws each pixel once from Bernoulli(intensity) and keeps it, in every split
            (Salakhutdinov & Murray 2008); "stochastic" leaves intensities for the training step to redraw each time
            (Burda et al. 2016); "none" leaves intensities.
        train_on: "train+valid" makes the training split train followed by valid; valid stays as it is.

    Raises:
        DataError: unknown name, missing or damaged files, or a data set that is not prepared; says what to type next.
    """
    name = _resolve(name, data_dir)
    raw = _read(name, data_dir)
    splits = raw.splits
    if binarization == "static":
        splits = {split: binarize(splits[split], seed) for seed, split in enumerate(SPLITS)}
    protocol = [f"{raw.title} {'/'.join(str(_count(raw.splits[split])) for split in SPLITS)}"]
    if train_on == "train+valid":
        splits = splits | {"train": concatenate(splits["train"], splits["valid"])}
        protocol.append(f"trained on train+valid ({_count(splits['train'])})")
    protocol.append(BINARIZATION_IN_WORDS[binarization])
    return Dataset(name, ", ".join(protocol), fingerprint(splits), splits, raw.levels)


def _resolve(name: str, data_dir: Path | None) -> str:
    """The name of one data set, with "auto" decided; raises DataError for an unknown name, naming the nearest."""
    if name == "auto":
        return "digits" if data_dir is None else "idx"
    if name in FIXED_NAMES or (name.startswith("tfds:") and name != "tfds:"):
        return name
    names = ("auto", *FIXED_NAMES, "tfds:NAME")
    nearest = get_close_matches(name.lower(), names)
    advice = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    raise DataError(f"there is no data set {name!r}; {advice}the names are {', '.join(names)}")


def _read(name: str, data_dir: Path | None) -> RawData:
    """The raw splits of a resolved `name`; raises DataError where `data_dir` is missing, or given to "digits"."""
    if name == "digits":
        if data_dir is not None:
            raise DataError(
                "digits ships with scikit-learn and reads no folder: leave out --data-dir, "
                f"or type --data idx to read the IDX files in {data_dir}"
            )
        return read_digits()
    if data_dir is None:
        raise DataError(f"{name} is read from a folder: add --data-dir FOLDER")
    folder = data_dir.expanduser()
    if name in FOLDER_READERS:
        return FOLDER_READERS[name](folder)
    return read_tfds(name.removeprefix("tfds:"), folder)


def _count(examples: Examples) -> int:
    """The number of examples, in memory or streamed."""
    return len(examples["image"] if isinstance(examples, dict) else examples)
