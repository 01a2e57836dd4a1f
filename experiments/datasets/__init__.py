"""Data sets as arrays, windows or random-access sources, with a protocol in words and a fingerprint for the ledger.

`load` is the only door to what is read: it reads one data set, binarises it where asked, and says what was done.
Heavy libraries are imported by the reader that needs them, so importing this package costs no more than NumPy.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from experiments.datasets.dataset import SPLITS, DataError, Dataset, RawData
from experiments.datasets.hashing import fingerprint
from experiments.datasets.images.binarize import binarize
from experiments.datasets.images.digits import read_digits
from experiments.datasets.images.folder import read_folder
from experiments.datasets.images.idx import read_idx_folder, read_mnist
from experiments.datasets.images.npz import read_npz
from experiments.datasets.images.patches import read_patches
from experiments.datasets.images.tfds import read_tfds
from experiments.datasets.sources import Examples, RandomAccessSource, concatenate, size
from experiments.datasets.text.characters import read_text

__all__ = ["DataError", "Dataset", "Examples", "RandomAccessSource", "fingerprint", "load"]

BINARIZATION_IN_WORDS = {
    "none": "intensities in [0, 1]",
    "static": "static binarisation",
    "stochastic": "stochastic binarisation",
}
PATH_READERS = {"folder": read_folder, "idx": read_idx_folder, "mnist": read_mnist, "npz": read_npz}
SHIPPED = {"digits": read_digits, "patches": read_patches}
FIXED_NAMES = (*SHIPPED, *PATH_READERS, "text")


def load(
    name: str,
    *,
    data_dir: Path | None,
    binarization: Literal["none", "static", "stochastic"] = "none",
    train_on: Literal["train", "train+valid"] = "train",
    length: int = 64,
    stride: int | None = None,
    split: Literal["90/5/5", "90/10"] = "90/5/5",
) -> Dataset:
    """The data set `name` with splits "train", "valid" and "test".

    Images are float32 intensities in [0, 1] of shape [N, H, W, C] under "image"; labels are int32 [N] under "label".
    Texts are windows [N, `length` + 1] of numbers in the alphabet `symbols`, under "symbols". Streams (of data sets too
    large to hold) give one example at a time, without the leading N.

    Args:
        name: "digits" and "patches" (of photographs), which ship with scikit-learn; "mnist" (28×28, 60,000 + 10,000) or
            "idx" (any size) for a folder with four IDX files; "folder" for a folder of pictures; "npz" for a file of
            arrays; "text" for a text file, or without one the help of Python; "tfds:NAME" for a data set prepared by
            TensorFlow Datasets; "auto" is "digits" without `data_dir` and "idx" with it.
        data_dir: the folder or file to read; None for what ships.
        binarization: "static" draws each pixel once from Bernoulli(intensity) and keeps it, in every split
            (Salakhutdinov & Murray 2008); "stochastic" leaves intensities for the training step to redraw each time
            (Burda et al. 2016); "none" leaves intensities. Without a meaning for texts.
        train_on: "train+valid" makes the training split train followed by valid; valid stays as it is.
        length: of texts, the symbols that a window predicts; it has one more.
        stride: of texts, places from one training window to the next: by default `length`, so that an epoch is a pass.
        split: of texts, the percent for "train", "valid" and "test"; 90/10 makes the last tenth both of the latter.

    Raises:
        DataError: unknown name, missing or damaged files, wrong labels, or a data set that is not prepared; says what
            to type next.
    """
    name = _resolve(name, data_dir)
    if (train_on, split) == ("train+valid", "90/10"):
        raise DataError("with --split 90/10 validation is the test: leave out --train-on train+valid")
    raw = read_text(data_dir, length=length, stride=stride, split=split) if name == "text" else _read(name, data_dir)
    splits, has_images = raw.splits, name != "text"
    if binarization == "static":
        if not has_images:
            raise DataError(f"{name} has no images to binarise: leave out --binarization static")
        splits = {split: binarize(splits[split], seed) for seed, split in enumerate(SPLITS)}
    protocol = [f"{raw.title} {'/'.join(str(size(raw.splits[split])) for split in SPLITS)}", *raw.notes]
    if train_on == "train+valid":
        splits = splits | {"train": concatenate(splits["train"], splits["valid"])}
        protocol.append(f"trained on train+valid ({size(splits['train'])})")
    if has_images:
        protocol.append(BINARIZATION_IN_WORDS[binarization])
    return Dataset(
        name,
        ", ".join(protocol),
        fingerprint(splits),
        splits,
        held_out="test" if train_on == "train+valid" else "valid",
        levels=raw.levels,
        classes=raw.classes,
        class_names=raw.class_names,
        symbols=raw.symbols,
        remarks=raw.remarks,
    )


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
    """The raw splits of a `name`'s images; raises DataError where `data_dir` is missing, or given to what ships."""
    path = None if data_dir is None else data_dir.expanduser()
    if name in SHIPPED:
        if path is not None:
            raise DataError(
                f"{name} ships with scikit-learn and reads no folder: leave out --data-dir, "
                f"or type --data idx to read the IDX files in {data_dir}, or --data folder for its pictures"
            )
        return SHIPPED[name]()
    if path is None:
        kind = "a file: add --data-dir FILE.npz" if name == "npz" else "a folder: add --data-dir FOLDER"
        raise DataError(f"{name} is read from {kind}")
    if name in PATH_READERS:
        return PATH_READERS[name](path)
    return read_tfds(name.removeprefix("tfds:"), path)
