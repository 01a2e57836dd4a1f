"""Pictures with boxes, as COCO writes them: folders of images, and JSON that says what is where."""

import json
import math
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.images.fitting import read_fitted
from experiments.datasets.splitting import hold_out_sixth, split_pool
from experiments.numerals import counted

OVERHANG = 0.5
"""Pixels by which a box may leave its image, as rounding makes it; such a box is cut at the border."""
LEAST_SIDE = 0.01
"""Pixels of a box, so that it has an area in float32, too, in whatever square its picture is fitted into."""
ENDINGS = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "test": "test"}
OBJECTS = "instances_"
"""How COCO's own files of objects begin, beside those of captions and keypoints."""


class Annotated(NamedTuple):
    """A picture file and what is in it."""

    file: Path
    size: tuple[int, int]
    """width and height in pixels, as the JSON has them"""
    boxes: list[list[float]]
    """(left, top, right, bottom) in pixels of the file"""
    categories: list[int]
    """the ids of the file's categories"""
    crowds: list[bool]


class AnnotationFile(NamedTuple):
    """A JSON file, checked."""

    pictures: list[Annotated]
    categories: dict[int, str]


def load_coco(folder: Path, *, side: int, channels: int) -> Dataset:
    """The pictures and boxes of a folder in COCO's format, each picture in the middle of a square of ``side`` pixels.

    Examples are "image" float32 [side, side, channels] in [0, 1], "box" [objects, 4] (left, top, right, bottom) in
    pixels of the square, "label" [objects], from 0 in the order of the categories' ids, −1 beyond the last object, and
    "crowd" [objects]: a box around many. One JSON file is split 80/10/10; of files whose names end in train, val and
    test each is a split, and without one for the test that for validation is it and a sixth of train is held out.

    ``DataError`` names the file and the annotation or image that is wrong: an unknown image or category, a box without
    an area or beyond its image, a picture that is missing or of another size, and whatever is no such JSON.
    """
    files = _annotation_files(folder)
    read = {split: _read_annotations(path, folder) for split, path in files.items()}
    categories = _common_categories(files, read)
    most = max(len(picture.boxes) for each in read.values() for picture in each.pictures)
    numbers = {identity: number for number, identity in enumerate(sorted(categories))}
    examples = {
        split: _examples(each.pictures, numbers, objects=max(1, most), side=side, channels=channels)
        for split, each in read.items()
    }
    if "pool" in examples:
        splits, notes = split_pool(examples["pool"], folder)
    elif len(examples) == len(SPLITS):
        splits, notes = {split: examples[split] for split in SPLITS}, ()
    else:
        train, valid, notes = hold_out_sixth(examples["train"], None, folder, ordered=False)
        splits = {"train": train, "valid": valid, "test": examples.get("test", examples.get("valid"))}
    total = sum(len(picture.boxes) for each in read.values() for picture in each.pictures)
    what = f"{counted(total, 'object')} of {counted(len(categories), 'class')}, fitted into {side}×{side}"
    sizes = "/".join(str(len(splits[split]["image"])) for split in SPLITS)
    names = tuple(categories[identity] for identity in sorted(categories))
    return Dataset(
        f"folder {folder.absolute().name}",
        ", ".join([f"folder {folder.absolute().name} in COCO's format {sizes}", *notes, what]),
        fingerprint(splits),
        splits,
        levels=256,
        classes=len(names),
        class_names=names,
        remarks=_unseen(splits["train"], names),
    )


def _annotation_files(folder: Path) -> dict[str, Path]:
    """The JSON file of each split, or of the only "pool"."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise DataError(
            f"{folder}: expected a folder of pictures and COCO's JSON, found {found}; name it by --data-dir"
        )
    places = (folder, folder / "annotations", *(folder / name for name in ENDINGS))
    found = sorted(path for place in places if place.is_dir() for path in place.glob("*.json"))
    found = [path for path in found if path.name.startswith(OBJECTS)] or found
    if not found:
        raise DataError(f"{folder}: expected a .json file in COCO's format there or in {folder / 'annotations'}")
    if len(found) == 1:
        return {"pool": found[0]}
    splits: dict[str, Path] = {}
    for path in found:
        split = _split_of(path)
        if split is None or split in splits:
            names = ", ".join(str(each.relative_to(folder)) for each in found)
            raise DataError(f"{folder}: expected one .json file, or one each for train, val and test, found {names}")
        splits[split] = path
    if "train" not in splits:
        raise DataError(f"{folder}: expected a .json file for train beside that for {' and '.join(splits)}")
    return splits


def _split_of(path: Path) -> str | None:
    """What split a file is of, by its name without a year, or by its folder's."""
    stem = path.stem.lower().removeprefix(OBJECTS).rstrip("0123456789")
    return ENDINGS.get(stem, ENDINGS.get(path.parent.name.lower()))


def _read_annotations(path: Path, folder: Path) -> AnnotationFile:
    content = _parsed(path)
    named = _by_id(content["categories"], path)
    categories = {identity: _name(each, identity) for identity, each in named.items()}
    if len(set(categories.values())) < len(categories):
        raise DataError(f"{path}: two categories have one name: {', '.join(sorted(categories.values()))}")
    images = _by_id(content["images"], path)
    if not images:
        raise DataError(f"{path}: expected images, found none")
    inside: dict[int, list[dict]] = {identity: [] for identity in images}
    for each in content["annotations"]:
        where = f"{path}: annotation {each.get('id')!r}"
        if _number(each, "image_id", path) not in images:
            raise DataError(f"{where}: image {each['image_id']} is not among the {len(images):,} of the file")
        if _number(each, "category_id", path) not in categories:
            known = ", ".join(f"{number} {name}" for number, name in list(categories.items())[:8])
            raise DataError(f"{where}: category {each['category_id']} is unknown; the file has {known}")
        inside[each["image_id"]].append(each)
    root = _root(path, folder, next(iter(images.values())))
    return AnnotationFile([_annotated(path, root, images[key], inside[key]) for key in images], categories)


def _parsed(path: Path) -> dict[str, list[dict]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from error
    for name in ("images", "annotations", "categories"):
        entries = content.get(name) if isinstance(content, dict) else None
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise DataError(f"{path}: expected a list of objects under {name!r}, as COCO's files have it")
    return content


def _name(category: dict, identity: int) -> str:
    """Its name on one line; its id where it has none."""
    return " ".join(str(category.get("name", "")).split()) or str(identity)


def _by_id(entries: list[dict], path: Path) -> dict[int, dict]:
    """The entries by their ids, each of which must be another."""
    found: dict[int, dict] = {}
    for each in entries:
        identity = _number(each, "id", path)
        if identity in found:
            both = ", ".join(str(entry)[:80] for entry in (found[identity], each))
            raise DataError(f"{path}: two entries have the id {identity}: {both}")
        found[identity] = each
    return found


def _number(entry: dict, name: str, path: Path) -> int:
    value = entry.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"{path}: expected a whole number under {name!r}, found {value!r} in {str(entry)[:80]}")
    return value


def _root(path: Path, folder: Path, image: dict) -> Path:
    """The folder that the files' names are relative to: where the first of them is."""
    name = _file_name(path, image)
    split = path.stem.removeprefix(OBJECTS)
    places = (path.parent, folder, folder / "images", folder / split, folder / "images" / split)
    for place in places:
        if (place / name).is_file():
            return place
    looked = ", ".join(dict.fromkeys(map(str, places)))
    raise DataError(f"{path}: image {image.get('id')}: there is no {name}; looked in {looked}")


def _file_name(path: Path, image: dict) -> str:
    name = image.get("file_name")
    if not isinstance(name, str) or not name or "\0" in name:
        raise DataError(f"{path}: image {image.get('id')!r}: expected a text under 'file_name', found {name!r}")
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts:
        raise DataError(f"{path}: image {image.get('id')!r}: {name!r} is outside of the data set's folder")
    return str(parts)


def _annotated(path: Path, root: Path, image: dict, inside: list[dict]) -> Annotated:
    """An image's file and its boxes, which are checked against the size that the JSON gives."""
    size = _number(image, "width", path), _number(image, "height", path)
    boxes = [_checked_box(f"{path}: annotation {each.get('id')!r}", each.get("bbox"), size) for each in inside]
    return Annotated(
        root / _file_name(path, image),
        size,
        boxes,
        [each["category_id"] for each in inside],
        [_is_crowd(each, path) for each in inside],
    )


def _is_crowd(annotation: dict, path: Path) -> bool:
    value = annotation.get("iscrowd", 0)
    if value not in (0, 1):
        raise DataError(f"{path}: annotation {annotation.get('id')!r}: expected 0 or 1 as 'iscrowd', found {value!r}")
    return bool(value)


def _checked_box(where: str, box: Any, size: tuple[int, int]) -> list[float]:
    """The box (left, top, width, height) as (left, top, right, bottom)."""
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
        raise DataError(f"{where}: expected 'bbox' as [left, top, width, height] in pixels, found {box!r}")
    left, top, width, height = box
    if min(width, height) < LEAST_SIDE:
        raise DataError(
            f"{where}: the box {box} has no area: a side below {counted(LEAST_SIDE, 'pixel')}; take the annotation out"
        )
    right, bottom = left + width, top + height
    cut = [max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])]
    far = min(left, top) < -OVERHANG or right > size[0] + OVERHANG or bottom > size[1] + OVERHANG
    if far or min(cut[2] - cut[0], cut[3] - cut[1]) < LEAST_SIDE / 2:  # half of it, as sums are rounded
        raise DataError(f"{where}: the box {box} lies beyond its image of {size[0]}×{size[1]}")
    return cut


def _is_finite(value: Any) -> bool:
    """Whether it is a number that fits a float."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _common_categories(files: dict[str, Path], read: dict[str, AnnotationFile]) -> dict[int, str]:
    """The categories, which all files must agree on."""
    (first, categories), *others = ((files[split], each.categories) for split, each in read.items())
    for path, each in others:
        if each != categories:
            raise DataError(f"{path}: its categories are not those of {first}: {each} and {categories}")
    if not categories:
        raise DataError(f"{first}: expected categories, found none")
    return categories


def _examples(
    pictures: list[Annotated], numbers: dict[int, int], *, objects: int, side: int, channels: int
) -> dict[str, np.ndarray]:
    """The arrays of some pictures, padded to so many objects."""
    count = len(pictures)
    examples = {
        "image": np.empty((count, side, side, channels), np.float32),
        "box": np.zeros((count, objects, 4), np.float32),
        "label": np.full((count, objects), -1, np.int32),
        "crowd": np.zeros((count, objects), bool),
    }
    for place, picture in enumerate(pictures):
        pixels, fitted = read_fitted(picture.file, side=side, channels=channels)
        if fitted.size != picture.size:
            (width, height), (wide, high) = picture.size, fitted.size
            raise DataError(f"{picture.file}: the picture is of {wide}×{high}, and the JSON says {width}×{height}")
        examples["image"][place] = np.divide(pixels, 255, dtype=np.float32)
        if found := len(picture.boxes):
            examples["box"][place, :found] = fitted.into(np.array(picture.boxes))
            examples["label"][place, :found] = [numbers[each] for each in picture.categories]
            examples["crowd"][place, :found] = picture.crowds
    return examples


def _unseen(train: dict[str, np.ndarray], names: tuple[str, ...]) -> tuple[str, ...]:
    """A remark on classes of which no picture for training has an object."""
    unseen = [name for number, name in enumerate(names) if not np.any(train["label"] == number)]
    return (f"no picture for training has {' or '.join(unseen[:8])}",) if unseen else ()
