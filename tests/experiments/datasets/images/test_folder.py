"""Folders of pictures, written by Pillow: by class or flat, split or not, and every way to be odd."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DataError, Dataset, load, sources

Painter = Callable[..., np.ndarray]


@pytest.fixture
def paint() -> Painter:
    """A painter of pictures of random pixels; returns the pixels."""
    generator = np.random.default_rng(0)

    def paint(path: Path, shape: tuple[int, ...] = (4, 6, 3), **options: object) -> np.ndarray:
        pixels = generator.integers(0, 256, shape, np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return pixels

    return paint


def folder(path: Path) -> Dataset:
    return load("folder", data_dir=path)


def everything(dataset: Dataset, key: str) -> np.ndarray:
    return np.concatenate([dataset.head(split, 999)[key] for split in ("train", "valid", "test")])


def permuted(values: list, count: int) -> np.ndarray:
    return np.array(values)[np.random.Generator(np.random.Philox(0)).permutation(count)]


@pytest.fixture(params=["in memory", "streamed"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to hold pictures."""
    if request.param == "streamed":
        monkeypatch.setattr(sources, "IN_MEMORY_BYTES", 0)


@pytest.mark.usefixtures("either_way")
def test_a_subfolder_for_each_class(tmp_path: Path, paint: Painter) -> None:
    pictures = [
        (paint(tmp_path / name / f"{i:02}.png"), label)
        for label, name in enumerate(("cat", "dog", "emu"))
        for i in range(10)
    ]
    dataset = folder(tmp_path)
    assert (dataset.classes, dataset.remarks, dataset.levels, dataset.image_shape) == (3, (), 256, (4, 6, 3))
    assert dataset.protocol == (
        f"folder {tmp_path.name} 24/3/3, split 80/10/10 by a fixed permutation, classes cat, dog, emu, "
        "intensities in [0, 1]"
    )
    written = permuted([pixels for pixels, _ in pictures], 30)
    np.testing.assert_array_equal(everything(dataset, "image"), written.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(everything(dataset, "label"), permuted([label for _, label in pictures], 30))
    assert everything(dataset, "label").dtype == np.int32


@pytest.mark.usefixtures("either_way")
def test_a_flat_folder_has_no_labels(tmp_path: Path, paint: Painter) -> None:
    pictures = [paint(tmp_path / f"{i:02}.PNG", (5, 3)) for i in range(10)]
    dataset = folder(tmp_path)
    assert (dataset.classes, dataset.image_shape, list(dataset.example())) == (0, (5, 3, 1), ["image"])
    expected = permuted(pictures, 10)[..., None].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(everything(dataset, "image"), expected)
    with pytest.raises(DataError, match="folder has no labels"):
        dataset.required_classes()


def test_split_folders_are_the_splits(tmp_path: Path, paint: Painter) -> None:
    for split, count in (("train", 12), ("val", 4), ("test", 3)):
        for name in ("a", "b"):
            for i in range(count):
                paint(tmp_path / split / name / f"{i}.jpg")
    paint(tmp_path / "test" / "c" / "0.jpg")
    dataset = folder(tmp_path)
    assert dataset.protocol.startswith(f"folder {tmp_path.name} 24/8/7, classes a, b, c, intens")
    assert (dataset.classes, dataset.remarks) == (3, ("only test has the class 2",))
    assert dataset.splits["test"]["label"].tolist() == [0] * 3 + [1] * 3 + [2]


def test_without_a_folder_for_validation_a_sixth_of_train_is_held_out(tmp_path: Path, paint: Painter) -> None:
    train = [paint(tmp_path / "train" / f"{i:02}.png") for i in range(12)]
    test = [paint(tmp_path / "test" / f"{i}.png") for i in range(2)]
    dataset = folder(tmp_path)
    assert "12" not in dataset.protocol
    assert "10/2/2, a sixth of train held out by a fixed permutation, intensities" in dataset.protocol
    written = np.concatenate([permuted(train, 12), test]).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(everything(dataset, "image"), written)


def test_is_any_picture_coloured_all_have_three_channels(tmp_path: Path, paint: Painter) -> None:
    grey = [paint(tmp_path / f"{i}.png", (4, 6)) for i in range(9)]
    paint(tmp_path / "9.png", (4, 6, 3))
    images = everything(folder(tmp_path), "image")
    assert images.shape == (10, 4, 6, 3)
    assert sum((images[i] == images[i][..., :1]).all() for i in range(10)) == len(grey)


def test_pictures_are_upright_as_the_camera_was_held(tmp_path: Path, paint: Painter) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: to be shown after a quarter turn clockwise
    pixels = [paint(tmp_path / f"{i}.png", (6, 4), exif=exif) for i in range(10)]
    images = everything(folder(tmp_path), "image")[..., 0]
    expected = permuted([np.rot90(each, -1) for each in pixels], 10).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(images, expected)
    assert images.shape == (10, 4, 6)


def test_an_opaque_alpha_channel_is_dropped_and_a_transparent_one_refused(tmp_path: Path, paint: Painter) -> None:
    for i in range(10):
        paint(tmp_path / f"{i}.png")
    clear = np.full((4, 6, 4), 255, np.uint8)
    Image.fromarray(clear).save(tmp_path / "3.png")
    assert folder(tmp_path).image_shape == (4, 6, 3)
    clear[2, 2, 3] = 254
    Image.fromarray(clear).save(tmp_path / "3.png")
    with pytest.raises(DataError, match=r"3.png: the picture is transparent.*save it without an alpha channel"):
        folder(tmp_path)


def test_sizes_that_differ_are_named(tmp_path: Path, paint: Painter) -> None:
    for i in range(10):
        paint(tmp_path / f"{i}.png")
    paint(tmp_path / "z.png", (4, 7, 3))
    with pytest.raises(DataError, match=r"found 10 of 6×4, 1 of 7×4; resize them, for example to 6×4: docs"):
        folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("cut.png", None, r"cut.png: cannot be read as PNG or JPEG"),
        ("page.jpg", b"<html>404</html>", "page.jpg: cannot be read as PNG or JPEG .it begins as neither.; save"),
        ("empty.png", b"", "empty.png: cannot be read as PNG or JPEG"),
    ],
)
def test_a_damaged_picture_is_named(
    tmp_path: Path, paint: Painter, name: str, data: bytes | None, message: str
) -> None:
    for i in range(10):
        paint(tmp_path / f"{i}.png", (40, 40, 3))
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2] if data is None else data)
    with pytest.raises(DataError, match=message):
        folder(tmp_path)


def test_pictures_of_16_bits_or_of_bombs_size_are_refused(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "deep.png", (4, 6))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(DataError, match=r"deep.png: cannot be read as PNG or JPEG .Image size .* exceeds limit"):
        folder(tmp_path)
    monkeypatch.undo()
    Image.fromarray(np.zeros((4, 6), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match=r"deep.png: expected 8 bits a channel, found mode I;16"):
        folder(tmp_path)


def test_what_is_left_out_is_remarked(tmp_path: Path, paint: Painter) -> None:
    for i in range(10):
        paint(tmp_path / f"{i}.png")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert folder(tmp_path).remarks == ()
    (tmp_path / "notes.txt").write_text("these are mine")
    assert folder(tmp_path).remarks == ("1 file is no picture of a class or split and left out, such as notes.txt",)


def test_folders_in_disorder_say_what_to_do(tmp_path: Path, paint: Painter) -> None:
    with pytest.raises(DataError, match="found no such folder; name one by --data-dir"):
        folder(tmp_path / "nowhere")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a.webp").write_bytes(b"")
    with pytest.raises(DataError, match=r"expected .png or .jpg pictures, found 1 .webp; save them as PNG"):
        folder(tmp_path / "web")
    paint(tmp_path / "mixed" / "a.png")
    paint(tmp_path / "mixed" / "cat" / "b.png")
    with pytest.raises(DataError, match=r"both in the folder \(a.png\) and in its subfolders \(cat\); put each"):
        folder(tmp_path / "mixed")
    paint(tmp_path / "half" / "train" / "b.png")
    with pytest.raises(DataError, match="expected the folders train and test, found train alone"):
        folder(tmp_path / "half")
    paint(tmp_path / "half" / "test" / "cat" / "b.png")
    with pytest.raises(DataError, match="some pictures lie in a folder of their class and some do not"):
        folder(tmp_path / "half")
    paint(tmp_path / "few" / "b.png")
    with pytest.raises(DataError, match=r"expected at least 10 examples.*found 1"):
        folder(tmp_path / "few")


def test_the_fingerprint_of_streamed_pictures_sees_each_and_its_class(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "IN_MEMORY_BYTES", 0)
    for name in ("a", "b"):
        for i in range(6):
            paint(tmp_path / name / f"{i}.png")
    prints = [folder(tmp_path).fingerprint]
    paint(tmp_path / "a" / "3.png")
    prints.append(folder(tmp_path).fingerprint)
    (tmp_path / "b" / "0.png").rename(tmp_path / "a" / "9.png")  # the same order of files, another class
    prints.append(folder(tmp_path).fingerprint)
    assert len(set(prints)) == 3
    moved = tmp_path.rename(tmp_path.parent / "elsewhere")
    assert folder(moved).fingerprint == prints[-1]
