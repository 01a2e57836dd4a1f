"""Images and labels in an `.npz` file, as `np.savez` writes it."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData
from experiments.datasets.labels import count_classes
from experiments.datasets.splitting import hold_out_sixth, split_pool

EXPECTED = "image and optionally label, or train_image and test_image (valid_image, …_label)"


def read_npz(path: Path) -> RawData:
    """The arrays of an `.npz`: "image" and optionally "label", or the same of splits as "train_image", "test_image", ….

    Images are uint8, or floats in [0, 1], of shape [N, H, W] or [N, H, W, C]; labels whole numbers [N]. Unsplit
    examples are split 80/10/10 by a fixed permutation. Of "train" and "test" without "valid", the last sixth of "train"
    is for validation; where it is sorted by class, after a fixed permutation. Nothing is unpickled.

    Raises DataError if the file cannot be read, an array is missing or of another kind, or a label numbers no class.
    """
    arrays = _arrays(path)
    given = {split: _examples(path, arrays, f"{split}_") for split in SPLITS if f"{split}_image" in arrays}
    where = path.name
    if "image" in arrays and not given:
        splits, notes = split_pool(_examples(path, arrays, ""), where)
    elif {"train", "test"} <= given.keys() and "image" not in arrays:
        splits, notes = given, ()
        if "valid" not in given:
            train, valid, notes = hold_out_sixth(given["train"], given["train"].get("label"), where)
            splits = {"train": train, "valid": valid, "test": given["test"]}
    else:
        raise DataError(f"{path}: expected the arrays {EXPECTED}, found {', '.join(arrays)}; save it again by np.savez")
    _agree(path, splits)
    labelled = "label" in splits["train"]
    classes, remarks = count_classes(where, {s: each["label"] for s, each in splits.items()}) if labelled else (0, ())
    splits = {
        split: each | {"label": each["label"].astype(np.int32)} if labelled else each for split, each in splits.items()
    }
    eight_bit = all(array.dtype == np.uint8 for name, array in arrays.items() if name.endswith("image"))
    return RawData(f"npz {where}", splits, 256 if eight_bit else 0, classes, notes=notes, remarks=remarks)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of the file by its name."""
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if isinstance(arrays, np.ndarray):
                raise DataError(f"{path}: expected an .npz of named arrays, found one array; save it by np.savez")
            return dict(arrays)
    except DataError:
        raise
    except IsADirectoryError as error:
        raise DataError(f"{path}: expected an .npz file, found a folder; --data folder reads its pictures") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as .npz ({error}); save arrays by np.savez, no objects") from error


def _examples(path: Path, arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Images, float32 [N, H, W, C] in [0, 1], and labels if any, of the arrays whose names begin with `prefix`."""
    image = _intensities(f"{path}: {prefix}image", arrays[f"{prefix}image"])
    if (label := arrays.get(f"{prefix}label")) is None:
        return {"image": image}
    if label.shape != image.shape[:1]:
        raise DataError(
            f"{path}: {prefix}label has the shape {label.shape}: expected {image.shape[:1]}, one number for each image"
        )
    return {"image": image, "label": label}


def _intensities(where: str, image: np.ndarray) -> np.ndarray:
    if image.ndim not in (3, 4) or image.size == 0:
        raise DataError(f"{where} has the shape {image.shape}: expected [N, H, W] or [N, H, W, C]")
    image = image if image.ndim == 4 else image[..., None]
    if image.dtype == np.uint8:
        return np.divide(image, 255, dtype=np.float32)
    if not np.issubdtype(image.dtype, np.floating):
        raise DataError(f"{where} is of type {image.dtype}: expected uint8, or floats in [0, 1]; use .astype(np.uint8)")
    if not (image.min() >= 0 and image.max() <= 1):
        found = "NaN" if np.isnan(image).any() else f"{image.min():.4g} to {image.max():.4g}"
        raise DataError(f"{where}: expected floats in [0, 1], found {found}; scale them, or save them as uint8")
    return image.astype(np.float32)


def _agree(path: Path, splits: dict[str, dict[str, np.ndarray]]) -> None:
    """Raises DataError unless images of all splits have one shape, and all have labels or none."""
    shapes = {split: each["image"].shape[1:] for split, each in splits.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{split} {'×'.join(map(str, shape))}" for split, shape in shapes.items())
        raise DataError(f"{path}: expected images of one size, found {found}; save them in one size")
    if len({"label" in each for each in splits.values()}) > 1:
        without = " and ".join(f"{split}_label" for split, each in splits.items() if "label" not in each)
        raise DataError(f"{path}: {without} is missing: save labels of every split, or of none")
