"""Data sets that TensorFlow Datasets has prepared as array_record files. Read without TensorFlow; never downloaded."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets.dataset import SPLITS, DataError, RawData, training_size
from experiments.datasets.sources import in_memory

IN_MEMORY_BYTES = 2**30
"""Data sets whose float32 images are smaller than this become arrays; larger ones are streamed."""


@dataclass(frozen=True)
class TfdsSource:
    """The records of one split as {"image": float32 [H, W, C] in [0, 1]} and, where `labelled`, {"label": int32 []}."""

    name: str
    records: Sequence[dict[str, Any]]
    labelled: bool

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

    Valid is the split "validation" where there is one, otherwise the last sixth of "train". Arrays if all images have
    one shape and their float32 bytes stay below 1 GiB, else random-access sources. "label" is there if it is a whole
    number.

    Raises DataError if the data set is not prepared, incomplete, or has no 8-bit "image", no "train" or no "test".
    """
    builder = _open(name, data_dir)
    counts = record_counts(builder)
    features = dict(builder.info.features.items())
    image, label = features.get("image"), features.get("label")
    if image is None or image.np_dtype != np.uint8 or len(image.shape) not in (2, 3):
        raise DataError(f"tfds:{name}: expected an 8-bit 'image' in 2 or 3 dimensions, found {features}")
    labelled = label is not None and label.shape == () and np.issubdtype(label.np_dtype, np.integer)
    splits = {
        split: TfdsSource(f"tfds:{builder.info.full_name} {part}", builder.as_data_source(part), labelled)
        for split, part in zip(SPLITS, _parts(name, counts), strict=True)
    }
    if None not in image.shape and sum(map(len, splits.values())) * math.prod(image.shape) * 4 < IN_MEMORY_BYTES:
        splits = {split: in_memory(source) for split, source in splits.items()}
    return RawData(f"tfds:{builder.info.full_name}", splits, levels=256)


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
                f"{builder.data_dir}: expected {info.num_examples:,} records in split {split}, "
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


def _parts(name: str, counts: dict[str, int]) -> tuple[str, str, str]:
    """Train, valid and test in TFDS's split notation, such as "train[:50000]"."""
    filled = [split for split, count in counts.items() if count > 0]
    if not {"train", "test"} <= set(filled):
        raise DataError(f"tfds:{name}: expected examples in the splits train and test, found {', '.join(filled)}")
    if "validation" in filled:
        return "train", "validation", "test"
    size = training_size(counts["train"], f"tfds:{name}")
    return f"train[:{size}]", f"train[{size}:]", "test"
