"""Made-up TFDS data sets, written by TFDS itself without TensorFlow or a network, and read back."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from experiments.datasets import DataError, RandomAccessSource, load, prepare, sources

SHAPE = (5, 4, 3)
SIZES = {"train": 13, "validation": 4, "test": 5}
Images = dict[str, np.ndarray]


def png(image: np.ndarray) -> io.BytesIO:
    """`image` as a PNG file, which TFDS stores as it is."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    buffer.seek(0)
    return buffer


def builder(images: Images, data_dir: Path, **features: Any) -> tfds.core.GeneratorBasedBuilder:
    """A builder of the data set "made_up": `images` in order, the place of each as its label."""
    features = features or {
        "image": tfds.features.Image(shape=SHAPE),
        "label": tfds.features.ClassLabel(num_classes=99),
    }
    encode = png if isinstance(features.get("image"), tfds.features.Image) else np.asarray

    def info(self: Any) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def examples(part: np.ndarray) -> Any:
        for index, image in enumerate(part):
            example = {"image": encode(image), "picture": image, "label": index}
            yield index, {key: example[key] for key in features}

    methods = {
        "VERSION": tfds.core.Version("1.2.3"),
        "_info": info,
        "_split_generators": lambda self, manager: {split: examples(part) for split, part in images.items()},
        "_generate_examples": None,
        "name": "made_up",
    }
    with tfds.core.registered.skip_registration():
        kind = type("MadeUp", (tfds.core.GeneratorBasedBuilder,), methods)
    return kind(data_dir=data_dir)


@pytest.fixture
def images() -> Images:
    """Random 8-bit images for each split."""
    generator = np.random.default_rng(3)
    return {split: generator.integers(0, 256, (size, *SHAPE), np.uint8) for split, size in SIZES.items()}


@pytest.fixture(params=["in memory", "streamed"])
def stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], np.ndarray]:
    """Both ways to hold a data set: the function gives every value of one key, in order."""
    if request.param == "in memory":
        return lambda examples, key: examples[key]
    monkeypatch.setattr(sources, "IN_MEMORY_BYTES", 0)

    def stack(examples: Any, key: str) -> np.ndarray:
        assert isinstance(examples, RandomAccessSource)
        return np.stack([examples[index][key] for index in range(len(examples))])

    return stack


def intensities(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / np.float32(255)


def test_exactly_the_records_written_come_back_in_order(images: Images, tmp_path: Path, stack: Any) -> None:
    assert prepare.write(builder(images, tmp_path)) == SIZES
    dataset = load("tfds:made_up", data_dir=tmp_path, binarization="none")
    assert (dataset.name, dataset.levels) == ("tfds:made_up", 256)
    assert dataset.protocol == "tfds:made_up/1.2.3 13/4/5, intensities in [0, 1]"
    for split, written in (("train", "train"), ("valid", "validation"), ("test", "test")):
        image, label = (stack(dataset.splits[split], key) for key in ("image", "label"))
        assert image.dtype == np.float32
        np.testing.assert_array_equal(image, intensities(images[written]))
        assert label.dtype == np.int32
        assert label.tolist() == list(range(SIZES[written]))


def test_without_a_validation_split_the_last_sixth_is_held_out(images: Images, tmp_path: Path, stack: Any) -> None:
    del images["validation"]
    prepare.write(builder(images, tmp_path))
    splits = load("tfds:made_up:1.2.3", data_dir=tmp_path, binarization="none").splits
    np.testing.assert_array_equal(stack(splits["train"], "image"), intensities(images["train"][:11]))
    np.testing.assert_array_equal(stack(splits["valid"], "image"), intensities(images["train"][11:]))


def test_training_on_both_and_binarising(images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare.write(builder(images, tmp_path))
    request = {"data_dir": tmp_path, "binarization": "static", "train_on": "train+valid"}
    held = load("tfds:made_up", **request)
    monkeypatch.setattr(sources, "IN_MEMORY_BYTES", 0)
    streamed = load("tfds:made_up", **request)
    assert held.protocol == "tfds:made_up/1.2.3 13/4/5, trained on train+valid (17), static binarisation"
    assert streamed.protocol == held.protocol
    assert streamed.image_shape == held.image_shape == SHAPE
    for split, size in (("train", 17), ("valid", 4), ("test", 5)):
        assert len(streamed.splits[split]) == size
        bits = np.stack([streamed.splits[split][index]["image"] for index in range(size)])
        assert set(np.unique(bits)) == {0.0, 1.0}
        np.testing.assert_array_equal(bits, held.splits[split]["image"])
    with pytest.raises(IndexError):
        streamed.splits["train"][17]


def test_grey_images_without_channel_or_label(images: Images, tmp_path: Path, stack: Any) -> None:
    grey = {split: image[..., 0] for split, image in images.items()}
    prepare.write(builder(grey, tmp_path, image=tfds.features.Tensor(shape=SHAPE[:2], dtype=np.uint8)))
    splits = load("tfds:made_up", data_dir=tmp_path, binarization="none").splits
    np.testing.assert_array_equal(stack(splits["test"], "image"), intensities(grey["test"])[..., None])
    assert "label" not in (splits["test"] if isinstance(splits["test"], dict) else splits["test"][0])


def test_images_of_different_sizes_are_refused_and_undeclared_equal_ones_read(images: Images, tmp_path: Path) -> None:
    undeclared = tfds.features.Image(shape=(None, None, 3))
    ragged = images | {"test": [image[: 5 - index % 3] for index, image in enumerate(images["test"])]}
    prepare.write(builder(ragged, tmp_path / "ragged", image=undeclared))
    with pytest.raises(
        DataError, match=r"one size, found 5×4×3 and 4×4×3 \(example 1 of test\); write them in one size"
    ):
        load("tfds:made_up", data_dir=tmp_path / "ragged")
    prepare.write(builder(images, tmp_path / "equal", image=undeclared))
    splits = load("tfds:made_up", data_dir=tmp_path / "equal").splits
    np.testing.assert_array_equal(splits["test"]["image"], intensities(images["test"]))


def test_the_fingerprint_of_a_stream_sees_every_record(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "IN_MEMORY_BYTES", 0)
    prints = []
    for folder, index in (("a", None), ("b", None), ("c", 0), ("d", 2), ("e", -1)):
        changed = {split: part.copy() for split, part in images.items()}
        if index is not None:
            changed["test"][index, 0, 0, 0] ^= 1
        prepare.write(builder(changed, tmp_path / folder))
        prints.append(load("tfds:made_up", data_dir=tmp_path / folder).fingerprint)
    assert prints[0] == prints[1], "the same data in two folders"
    assert len(set(prints)) == 4


@pytest.mark.usefixtures("stack")
def test_classes_are_declared_or_those_of_all_splits(images: Images, tmp_path: Path) -> None:
    prepare.write(builder(images, tmp_path / "declared"))
    assert load("tfds:made_up", data_dir=tmp_path / "declared").classes == 99
    whole = tfds.features.Scalar(dtype=np.int64)
    prepare.write(builder(images, tmp_path / "scalar", image=tfds.features.Image(shape=SHAPE), label=whole))
    dataset = load("tfds:made_up", data_dir=tmp_path / "scalar")
    assert (dataset.classes, dataset.remarks[0]) == (13, "only train has the classes 5, 6, 7, 8, 9, 10, 11, 12")


@pytest.mark.usefixtures("stack")
def test_an_example_without_a_label_is_refused_and_a_set_without_any_is_not(images: Images, tmp_path: Path) -> None:
    made = builder(
        images, tmp_path / "minus", image=tfds.features.Image(shape=SHAPE), label=tfds.features.Scalar(np.int64)
    )
    monkeyed = {split: ({"image": png(image), "label": -1} for image in part) for split, part in images.items()}
    made._split_generators = lambda manager: {s: enumerate(part) for s, part in monkeyed.items()}
    prepare.write(made)
    with pytest.raises(DataError, match=r"tfds:made_up/1.2.3: label -1 in split train: .*found 13 of 13 below"):
        load("tfds:made_up", data_dir=tmp_path / "minus")
    prepare.write(builder(images, tmp_path / "none", image=tfds.features.Image(shape=SHAPE)))
    dataset = load("tfds:made_up", data_dir=tmp_path / "none")
    assert (dataset.classes, list(dataset.example())) == (0, ["image"])


def test_what_is_not_prepared_says_how(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"pip install 'lectern\[prepare\]'.*prepare made_up --data-dir " + str(tmp_path)
    ):
        load("tfds:made_up", data_dir=tmp_path, binarization="none")


def test_another_file_format_is_refused(images: Images, tmp_path: Path) -> None:
    builder(images, tmp_path).download_and_prepare(file_format="parquet")
    with pytest.raises(DataError, match=r"cannot be opened as array_record: .*parquet"):
        load("tfds:made_up", data_dir=tmp_path, binarization="none")


def test_a_split_with_a_record_too_few_is_refused(images: Images, tmp_path: Path) -> None:
    prepare.write(builder(images, tmp_path / "whole"))
    prepare.write(builder(images | {"train": images["train"][:-1]}, tmp_path / "less"))
    (whole,), (less,) = ((tmp_path / folder).rglob("*train.array_record*") for folder in ("whole", "less"))
    whole.write_bytes(less.read_bytes())
    with pytest.raises(DataError, match="expected 13 records in split train, found 12"):
        load("tfds:made_up", data_dir=tmp_path / "whole", binarization="none")


@pytest.mark.parametrize("length", [0, 1_000, 2**16, 2**16 + 99])
def test_a_truncated_file_is_refused(images: Images, tmp_path: Path, length: int) -> None:
    prepare.write(builder(images, tmp_path))
    (path,) = tmp_path.rglob("*train.array_record*")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match="split train cannot be read"):
        load("tfds:made_up", data_dir=tmp_path, binarization="none")


def test_a_damaged_record_is_refused(images: Images, tmp_path: Path) -> None:
    prepare.write(builder(images, tmp_path))
    (path,) = tmp_path.rglob("*train.array_record*")
    data = bytearray(path.read_bytes())
    data[200:300] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        load("tfds:made_up", data_dir=tmp_path, binarization="none")


def test_damaged_metadata_is_refused(images: Images, tmp_path: Path) -> None:
    prepare.write(builder(images, tmp_path))
    (path,) = tmp_path.rglob("dataset_info.json")
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DataError, match="cannot be opened as array_record"):
        load("tfds:made_up", data_dir=tmp_path, binarization="none")


def test_a_missing_split_or_image_is_refused(images: Images, tmp_path: Path) -> None:
    prepare.write(builder({"train": images["train"]}, tmp_path / "split"))
    with pytest.raises(DataError, match="expected examples in the splits train and test, found train"):
        load("tfds:made_up", data_dir=tmp_path / "split", binarization="none")
    prepare.write(builder(images, tmp_path / "image", picture=tfds.features.Tensor(shape=SHAPE, dtype=np.uint8)))
    with pytest.raises(DataError, match="expected an 8-bit 'image' in 2 or 3 dimensions"):
        load("tfds:made_up", data_dir=tmp_path / "image", binarization="none")
