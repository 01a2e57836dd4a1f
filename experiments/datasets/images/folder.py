"""A folder of pictures: PNG and JPEG files, all of one size, by class or without labels."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData
from experiments.datasets.images.pictures import common_form, read_pixels
from experiments.datasets.labels import count_classes
from experiments.datasets.sources import held
from experiments.datasets.splitting import hold_out_sixth, split_pool
from experiments.numerals import counted

SUFFIXES = (".png", ".jpg", ".jpeg")
SPLIT_FOLDERS = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "test": "test"}
NAMED_AT_MOST = 12
"""Classes that a protocol names."""


@dataclass(frozen=True)
class PictureSource:
    """Picture files as {"image": float32 [H, W, C] in [0, 1]} and, where there are `labels`, {"label": int32 []}."""

    name: str
    files: tuple[Path, ...]
    labels: np.ndarray | None
    mode: str
    """"L" for grey pictures of one channel, "RGB" for colour."""

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name}: expected 0 <= index < {len(self)}, found {index}")
        example = {"image": np.divide(read_pixels(self.files[index], self.mode), 255, dtype=np.float32)}
        return example if self.labels is None else example | {"label": self.labels[index]}


def read_folder(folder: Path) -> RawData:
    """The PNG and JPEG pictures in `folder`: in one subfolder for each class, or without labels all in the folder.

    Where it has subfolders "train" and "test" (and "valid", "validation" or "val") these are the splits, each by class
    or flat; without one for validation a sixth of "train" is held out. Otherwise the pictures are split 80/10/10. Both
    are drawn by a fixed permutation of the pictures in the order of their names. Classes are numbered in the order of
    the names of all their folders. Grey pictures have one channel; is any coloured, all have three. Arrays if their
    float32 bytes stay below 1 GiB, else random-access sources.

    Raises DataError if there are no pictures, some cannot be read, are transparent, or of another size than others, or
    if only some have a class.
    """
    listed = {split: _by_class(path) for split, path in _parts(folder).items()}
    paths = {split: [path for each in classes.values() for path in each] for split, classes in listed.items()}
    names = sorted({name for classes in listed.values() for name in classes})
    labelled = names != [""]
    if labelled and "" in names:
        raise DataError(f"{folder}: some pictures lie in a folder of their class and some do not; sort all, or none")
    shape, mode = common_form(folder, [path for each in paths.values() for path in each])
    published = {
        split: PictureSource(
            ", ".join(["pictures", split, *(f"{len(each)} of {name}" for name, each in classes.items() if name)]),
            tuple(paths[split]),
            np.array([names.index(n) for n, each in classes.items() for _ in each], np.int32) if labelled else None,
            mode,
        )
        for split, classes in listed.items()
    }
    examples = held(published, shape)
    if "pool" in examples:
        splits, notes = split_pool(examples["pool"], folder)
    elif "valid" in examples:
        splits, notes = {split: examples[split] for split in SPLITS}, ()
    else:
        train, valid, notes = hold_out_sixth(examples["train"], None, folder, ordered=False)
        splits = {"train": train, "valid": valid, "test": examples["test"]}
    classes, remarks = 0, ()
    if labelled:
        labels = {split: source.labels for split, source in published.items()}
        classes, remarks = count_classes(str(folder), labels, len(names)) if "pool" not in labels else (len(names), ())
        notes = (*notes, f"classes {', '.join(names)}" if classes <= NAMED_AT_MOST else counted(classes, "class"))
    remarks += _left_out(folder, {path for each in paths.values() for path in each})
    given = tuple(names) if labelled else ()
    return RawData(f"folder {folder.absolute().name}", splits, 256, classes, given, notes=notes, remarks=remarks)


def _parts(folder: Path) -> dict[str, Path]:
    """The folder of each split, or of the only "pool"."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: expected a folder of PNG or JPEG pictures, found {found}; name one by --data-dir")
    subfolders = _subfolders(folder)
    splits = {SPLIT_FOLDERS[path.name.lower()]: path for path in subfolders if path.name.lower() in SPLIT_FOLDERS}
    if {"train", "test"} <= splits.keys():
        return {split: splits[split] for split in SPLITS if split in splits}
    if splits and len(splits) == len(subfolders):
        raise DataError(
            f"{folder}: expected the folders train and test, found {' and '.join(splits)} alone; "
            "add the other, or take the pictures out of it to have them split"
        )
    return {"pool": folder}


def _by_class(folder: Path) -> dict[str, list[Path]]:
    """The pictures of each subfolder by its name, or those of the folder itself under ""."""
    flat = _pictures(folder)
    classes = {path.name: pictures for path in _subfolders(folder) if (pictures := _pictures(path))}
    if flat and classes:
        raise DataError(
            f"{folder}: pictures both in the folder ({flat[0].name}) and in its subfolders ({', '.join(classes)}); "
            "put each into the subfolder of its class, or all into the folder"
        )
    if not flat and not classes:
        kinds = Counter(path.suffix.lower() for path in folder.rglob("*") if path.is_file())
        found = ", ".join(f"{count} {kind or 'files without an ending'}" for kind, count in kinds.most_common(3))
        raise DataError(f"{folder}: expected .png or .jpg pictures, found {found or 'no file'}; save them as PNG")
    return classes or {"": flat}


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and _is_shown(path))


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and _is_shown(path))


def _is_shown(path: Path) -> bool:
    return not path.name.startswith(".")


def _left_out(folder: Path, read: set[Path]) -> tuple[str, ...]:
    """A remark on the files in the folder that are no part of the data set, if any."""
    others = sorted(path for path in folder.rglob("*") if path.is_file() and _is_shown(path) and path not in read)
    if not others:
        return ()
    files = f"{counted(len(others), 'file')} {'is' if len(others) == 1 else 'are'}"
    return (f"{files} no picture of a class or split and left out, such as {others[0].relative_to(folder)}",)
