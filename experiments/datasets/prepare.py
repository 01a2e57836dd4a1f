"""Prepares a TFDS data set for `tfds:NAME`: python -m experiments.datasets.prepare NAME --data-dir FOLDER.

Downloads, and writes array_record files (TFDS's parquet writer loses rows, and its tfrecord has no random access).
"""

import argparse
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.datasets.dataset import DataError
from experiments.datasets.images.tfds import record_counts

CATALOGUE = "https://www.tensorflow.org/datasets/catalog/overview"


def prepare(name: str, data_dir: Path) -> dict[str, int]:
    """Downloads and writes the TFDS data set `name` under `data_dir`; split → number of records written.

    Raises DataError if TensorFlow is missing, `name` is unknown, or as `write` does.
    """
    if find_spec("tensorflow") is None:
        raise DataError("preparing a data set needs TensorFlow (reading it does not): pip install 'lectern[prepare]'")
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=str(data_dir.expanduser()), file_format="array_record")
    except tfds.core.DatasetNotFoundError as error:
        near = get_close_matches(name, tfds.list_builders(with_community_datasets=False))
        advice = f"did you mean {' or '.join(near)}?" if near else f"the names are at {CATALOGUE}"
        raise DataError(f"TFDS has no data set {name!r}; {advice}") from error
    except Exception as error:  # a name that it cannot parse, and whatever the module of the data set itself raises
        raise DataError(f"TFDS cannot open {name}: {error}") from error
    return write(builder)


def write(builder: Any) -> dict[str, int]:
    """Writes what a `tfds.core.DatasetBuilder` generates as array_record; split → number of records written.

    Raises DataError if that fails, or if the files do not hold as many records as the builder says it has written.
    """
    try:
        builder.download_and_prepare(file_format="array_record")
    except Exception as error:  # the network, the disk, and the generator of each data set
        raise DataError(f"{builder.info.full_name} could not be prepared: {type(error).__name__}: {error}") from error
    return record_counts(builder)


def main() -> None:
    """The command: exit 0 with the counts, exit 2 with the reason."""
    parser = argparse.ArgumentParser("python -m experiments.datasets.prepare", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="a name in the TFDS catalogue, such as mnist or cifar10")
    parser.add_argument("--data-dir", type=Path, required=True, help="the folder to write to")
    arguments = parser.parse_args()
    try:
        counts = prepare(arguments.name, arguments.data_dir)
    except DataError as error:
        parser.error(str(error))
    print(f"{arguments.name}: {', '.join(f'{split} {count:,}' for split, count in counts.items())} records, all there")


if __name__ == "__main__":
    main()
