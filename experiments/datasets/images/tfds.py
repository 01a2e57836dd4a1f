"""Data sets that TensorFlow Datasets has prepared as array_record files. Read without TensorFlow; never downloaded."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData
from experiments.datasets.labels import count_classes
from experiments.datasets.sources import Examples, held
from experiments.datasets.splitting import hold_out_sixth
from experiments.numerals import counted


@dataclass(frozen=True)
class TfdsSource:
    """The records of one split as {"image": float32 [H, W, C] in [0, 1]} and, where `labelled`, {"label": int32 []}."""

    name: str
    records: Sequence[dict[str, Any]]
    labelled: bool
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name}: expected 0 <= index < {len(self)}, found {index}")
        try:
            record = self.records[index]
        except Exception as error:  # TFDS, array_record and the image decoder each raise their own kinds
            raise DataError(f"{self.name}: record {index} cannot be read ({error}); prepare it again") from error
        image = record["image"] if record["image"].ndim == 3 else record["image"][..., None]
        example = {"image": np.divide(image, 255, dtype=np.float32)}
        return example | {"label": np.asarray(record["label"], np.int32)} if self.labelled else example


def read_tfds(name: str, data_dir: Path) -> RawData:
    """The prepared TFDS data set `name` ("mnist", "mnist:3.0.1", "NAME/CONFIG") under `data_dir`.

    Valid is the split "validation" where there is one, otherwise the last sixth of "train". Arrays if their float32
    bytes stay below 1 GiB, else random-access sources, whose labels are read once, to be checked. "label" is there if
    it is a whole number.

    Raises DataError if the data set is not prepared, incomplete, has no 8-bit "image", no "train" or no "test", has
    images of different sizes, or labels that number no class.
    """
    builder = _open(name, data_dir)
    counts = record_counts(builder)
    features = dict(builder.info.features.items())
    image, label = features.get("image"), features.get("label")
    if image is None or image.np_dtype != np.uint8 or len(image.shape) not in (2, 3):
        raise DataError(f"tfds:{name}: expected an 8-bit 'image' in 2 or 3 dimensions, found {features}")
    labelled = label is not None and label.shape == () and np.issubdtype(label.np_dtype, np.integer)
    where = f"tfds:{builder.info.full_name}"
    published = {
        split: TfdsSource(f"{where} {split}", builder.as_data_source(split), labelled, _files(builder, split))
        for split in _published_splits(name, counts)
    }
    shape = image.shape if None not in image.shape else _only_shape(where, published)
    examples = held(published, shape)
    labels = _labels(builder, examples) if labelled else {}
    if "validation" in examples:
        splits, notes = {split: examples.get(split, examples["validation"]) for split in SPLITS}, ()
    else:
        train, valid, notes = hold_out_sixth(examples["train"], labels.get("train"), where)
        splits = {"train": train, "valid": valid, "test": examples["test"]}
    classes, remarks = count_classes(where, labels, getattr(label, "num_classes", None) or 0) if labelled else (0, ())
    if label is not None and not labelled:
        remarks = (f"its 'label' is no whole number but {label}: it is left out",)
    return RawData(where, splits, levels=256, classes=classes, notes=notes, remarks=remarks)


def record_counts(builder: Any) -> dict[str, int]:
    """Split → number of records in its files, for a `tfds.core.DatasetBuilder` whose data is prepared.

    Raises DataError if a file cannot be opened, or a split holds more or fewer records than its dataset_info.json says.
    """
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    counts = {}
    for split, info in builder.info.splits.items():
        try:
            with ArrayRecordDataSource([str(path) for path in info.filepaths]) as files:
                counts[split] = len(files)
        except Exception as error:  # array_record raises bare RuntimeError, absl's status errors, OSError
            raise DataError(f"{builder.data_dir}: split {split} cannot be read ({error}); prepare it again") from error
        if counts[split] != info.num_examples:
            raise DataError(
                f"{builder.data_dir}: expected {counted(info.num_examples, 'record')} in split {split}, "
                f"found {counts[split]:,}; remove the folder and prepare it again"
            )
    return counts


def _open(name: str, data_dir: Path) -> Any:
    """A read-only `tfds.core.DatasetBuilder` made from the files alone; raises DataError if there are none."""
    import tensorflow_datasets as tfds

    try:
        return tfds.core.read_only_builder.builder_from_files(name, data_dir=str(data_dir), file_format="array_record")
    except tfds.core.DatasetNotFoundError as error:
        command = f"python -m experiments.datasets.prepare {shlex.quote(name)} --data-dir {shlex.quote(str(data_dir))}"
        raise DataError(
            f"tfds:{name} is not prepared in {data_dir}; type: pip install 'lectern[prepare]' and then {command}"
        ) from error
    except Exception as error:  # damaged metadata: JSON, protobuf, missing keys; another file format: ValueError
        raise DataError(f"tfds:{name} in {data_dir} cannot be opened as array_record: {error}") from error


def _published_splits(name: str, counts: dict[str, int]) -> tuple[str, ...]:
    """The splits that are read: train, validation where there is one, and test."""
    filled = [split for split, count in counts.items() if count > 0]
    if not {"train", "test"} <= set(filled):
        raise DataError(f"tfds:{name}: expected examples in the splits train and test, found {', '.join(filled)}")
    return tuple(split for split in ("train", "validation", "test") if split in filled)


def _files(builder: Any, split: str) -> tuple[Path, ...]:
    return tuple(Path(path) for path in builder.info.splits[split].filepaths)


def _only_shape(where: str, published: dict[str, TfdsSource]) -> tuple[int, ...]:
    """The shape of every image, where the data set declares none; raises DataError at the first that differs."""
    first = published["train"][0]["image"].shape
    for split, source in published.items():
        for index in range(len(source)):
            shape = source[index]["image"].shape
            if shape != first:
                sizes = " and ".join("×".join(map(str, each)) for each in (first, shape))
                raise DataError(
                    f"{where}: expected images of one size, found {sizes} (example {index} of {split}); "
                    "write them in one size into a folder and type --data folder --data-dir FOLDER"
                )
    return first


def _labels(builder: Any, examples: dict[str, Examples]) -> dict[str, np.ndarray]:
    """The labels of every published split; those of streams are read without decoding an image."""
    return {
        split: each["label"] if isinstance(each, dict) else _streamed_labels(builder, split)
        for split, each in examples.items()
    }


def _streamed_labels(builder: Any, split: str) -> np.ndarray:
    import tensorflow_datasets as tfds

    records = builder.as_data_source(split, decoders={"image": tfds.decode.SkipDecoding()})
    try:
        return np.array([records[index]["label"] for index in range(len(records))], np.int32)
    except Exception as error:  # as in TfdsSource
        raise DataError(
            f"{builder.info.full_name} {split}: a label cannot be read ({error}); prepare it again"
        ) from error
