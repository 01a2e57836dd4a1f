"""The IDX reader against bytes written by hand and by another writer, and against every kind of damage."""

import gzip
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from idx_files import write_idx

from experiments.datasets import DataError
from experiments.datasets.images import idx
from experiments.datasets.images.idx import read_idx, read_idx_folder, read_mnist

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def test_bytes_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    path.write_bytes(bytes.fromhex("00000b02 00000002 00000001 0102 fffe"))
    array = read_idx(path)
    assert array.dtype == np.int16
    assert array.tolist() == [[258], [-2]]


@settings(deadline=None)
@given(data=st.data(), suffix=st.sampled_from(["", ".gz"]))
def test_every_dtype_and_shape_comes_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    dtype = data.draw(st.sampled_from(["uint8", "int8", "int16", "int32", "float32", "float64"]))
    array = data.draw(arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    path = tmp_path_factory.getbasetemp() / f"written{suffix}"
    write_idx(path, array)
    read = read_idx(path)
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert read.dtype.isnative
    assert read.flags.writeable


@pytest.mark.parametrize("length", range(4 + 4 * 3 + 2 * 3 * 2))
def test_a_file_truncated_anywhere_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    write_idx(path, np.zeros((2, 3, 2), np.uint8))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(
        DataError, match=rf"{path}: expected .* found {length} bytes|expected 28 bytes.*found {length};"
    ):
        read_idx(path)


def test_a_truncated_file_says_what_was_expected_and_how_to_get_it(tmp_path: Path) -> None:
    path = tmp_path / "train-images.idx3-ubyte"
    path.write_bytes(bytes.fromhex("00000803 0000ea60 0000001c 0000001c").ljust(12_345, b"\0"))
    with pytest.raises(
        DataError, match=r"expected 47,040,016 bytes .* found 12,345; .*train-images-idx3-ubyte\.gz of the MN"
    ):
        read_idx(path)


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long"
    write_idx(path, np.zeros(3, np.uint8))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"expected 11 bytes of data for dimensions \(3,\), found 12 or more"):
        read_idx(path)


@pytest.mark.parametrize("header", ["01000801", "00010801", "00000a01", "00000f01", "89504e47", "3c68746d"])
def test_a_wrong_magic_number_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(bytes.fromhex(header) + bytes.fromhex("00000001 00"))
    with pytest.raises(DataError, match=f"{path}: expected an IDX header"):
        read_idx(path)


@pytest.mark.parametrize("dimensions", [[1] * 255, [2**32 - 1] * 8 + [0]])
def test_dimensions_that_no_array_can_have_are_refused(tmp_path: Path, dimensions: list[int]) -> None:
    path = tmp_path / "impossible"
    path.write_bytes(bytes([0, 0, 8, len(dimensions)]) + np.array(dimensions, ">u4").tobytes() + bytes(min(dimensions)))
    with pytest.raises(DataError, match=f"{path}: expected dimensions that an array can have"):
        read_idx(path)


def test_a_gzip_truncated_anywhere_is_refused(idx_folder: SimpleNamespace) -> None:
    path = idx_folder.path / IMAGES
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=f"{path}: expected .*download it again: {IMAGES}"):
            read_idx(path)


@settings(deadline=None, max_examples=200)
@given(position=st.integers(min_value=0, max_value=10**6), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_in_a_gzip_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    path, array = tmp_path_factory.getbasetemp() / "flipped.gz", np.arange(200, dtype=np.uint8)
    write_idx(path, array)
    damaged = bytearray(path.read_bytes())
    damaged[position % len(damaged)] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        read = read_idx(path)
    except DataError:
        return
    assert read.tolist() == array.tolist()


def test_a_file_that_is_not_gzip_in_spite_of_its_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / IMAGES
    path.write_bytes(b"<html>404 Not Found</html>")
    with pytest.raises(DataError, match=f"{path}: expected an intact, readable file"):
        read_idx(path)


@pytest.mark.parametrize("style", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_in_each_naming_gives_the_published_arrays(
    idx_folder: SimpleNamespace, style: str, suffix: str
) -> None:
    for path in list(idx_folder.path.iterdir()):
        data = path.read_bytes()
        path.unlink()
        name = path.name.removesuffix(".gz").replace("-idx", f"{style}idx") + suffix
        (idx_folder.path / name).write_bytes(data if suffix else gzip.decompress(data))
    raw = read_idx_folder(idx_folder.path)
    published = idx_folder.images["train"][..., None].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(raw.splits["train"]["image"], published[:10])
    np.testing.assert_array_equal(raw.splits["valid"]["image"], published[10:])
    np.testing.assert_array_equal(raw.splits["test"]["image"], np.ones((4, 3, 5, 1)))
    assert [raw.splits[split]["label"].tolist() for split in ("train", "valid", "test")] == [
        list(range(10)),
        [10, 11],
        [9, 0, 9, 0],
    ]
    assert {array.dtype for examples in raw.splits.values() for array in examples.values()} == {
        np.dtype(np.float32),
        np.dtype(np.int32),
    }


@pytest.mark.parametrize("missing", ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"])
def test_a_missing_file_is_named_with_its_address(idx_folder: SimpleNamespace, missing: str) -> None:
    (idx_folder.path / f"{missing}-ubyte.gz").unlink()
    with pytest.raises(DataError, match=f"{idx_folder.path}: .*no such file; download https://.*/{missing}-ubyte.gz"):
        read_idx_folder(idx_folder.path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path / 'nowhere'}: .* no such folder; download https"):
        read_idx_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (LABELS, np.zeros(11, np.uint8), "expected 12 labels, as many as images in train-images.*found 11"),
        (IMAGES, np.zeros((13, 3, 5), np.uint8), "expected 13 labels, as many as images in train-images.*found 12"),
        (IMAGES, np.zeros((12, 5, 3), np.uint8), "images of one size"),
        (IMAGES.removesuffix(".gz"), np.zeros((12, 3, 6), np.uint8), "beside it hold different values; remove"),
    ],
)
@pytest.mark.parametrize("read", [read_idx_folder, read_mnist])
def test_what_headers_tell_is_refused_before_any_contents_are_read(
    idx_folder: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, name: str, array: np.ndarray, message: str, read
) -> None:
    write_idx(idx_folder.path / name, array)
    monkeypatch.setattr(idx, "_read_at_most", lambda *_: pytest.fail("contents were read"))
    with pytest.raises(DataError, match=message):
        read(idx_folder.path)


@pytest.mark.parametrize(
    ("name", "array", "found", "advice"),
    [
        (LABELS, np.zeros((12, 1), np.uint8), "uint8 [12, 1]", ["one number, its class, for each image"]),
        (LABELS, np.zeros((12, 10), np.int32), "int32 [12, 10]", ["unsigned bytes, or", "one number, its class"]),
        (LABELS, np.zeros(0, np.uint8), "uint8 [0]", ["put labels into it"]),
        (IMAGES, np.zeros((12, 15), np.uint8), "uint8 [12, 15]", ["give each image its height and width"]),
        (IMAGES, np.zeros((12, 3, 5, 3), np.uint8), "uint8 [12, 3, 5, 3]", ["give each image its height and width"]),
        (IMAGES, np.zeros((12, 3, 5), np.float32), "float32 [12, 3, 5]", ["unsigned bytes, or"]),
        (IMAGES, np.zeros((0, 3, 5), np.uint8), "uint8 [0, 3, 5]", ["put images into it"]),
    ],
)
def test_another_layout_is_refused_with_advice_on_what_is_wrong_alone(
    idx_folder: SimpleNamespace, name: str, array: np.ndarray, found: str, advice: list[str]
) -> None:
    write_idx(idx_folder.path / name, array)
    with pytest.raises(DataError) as refused:
        read_idx_folder(idx_folder.path)
    wanted = {LABELS: "1 dimension, [labels]", IMAGES: "3 dimensions, [images, height, width]"}[name]
    fault, _, advised = str(refused.value).partition("; the file is intact: ")
    assert fault == f"{idx_folder.path / name}: expected unsigned bytes in {wanted}, found {found}"
    assert advised.count(", and ") == len(advice) - 1
    assert all(each in advised for each in advice)


def test_too_few_images_to_hold_any_out_are_refused(idx_folder: SimpleNamespace) -> None:
    write_idx(idx_folder.path / IMAGES, np.zeros((5, 3, 5), np.uint8))
    write_idx(idx_folder.path / LABELS, np.zeros(5, np.uint8))
    with pytest.raises(DataError, match=f"{IMAGES}: expected at least 6 training examples"):
        read_idx_folder(idx_folder.path)


def test_mnist_is_split_50000_10000_10000_in_the_published_order(tmp_path: Path) -> None:
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 27, 27] = np.arange(count) % 251
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    raw = read_mnist(tmp_path)
    assert {split: examples["image"].shape[0] for split, examples in raw.splits.items()} == {
        "train": 50_000,
        "valid": 10_000,
        "test": 10_000,
    }
    corner = np.rint(raw.splits["valid"]["image"][:, 27, 27, 0] * 255).astype(int)
    np.testing.assert_array_equal(corner, np.arange(50_000, 60_000) % 251)


def test_another_size_is_not_mnist(idx_folder: SimpleNamespace) -> None:
    with pytest.raises(DataError, match=r"found 12 \+ 4 images of 3×5 pixels; type --data idx"):
        read_mnist(idx_folder.path)


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    write_idx(path, np.zeros((2, 3), np.uint8))
    start = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(start + bytes(2**26)))  # 64 MB in 64 kB
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"expected 18 bytes of data for dimensions \(2, 3\), found 19 or more"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_a_header_that_promises_more_than_memory_is_refused_by_what_is_there(tmp_path: Path) -> None:
    for path in (tmp_path / "vast", tmp_path / "vast.gz"):
        data = bytes.fromhex("00000803 ffffffff ffffffff 00000004") + bytes(9)
        path.write_bytes(gzip.compress(data) if path.suffix else data)
        with pytest.raises(DataError, match=r"expected 73,786,976,260,478,468,116 bytes of data .*found 25;"):
            read_idx(path)


def test_a_plain_file_beside_a_different_packed_one_is_refused(idx_folder: SimpleNamespace) -> None:
    plain = idx_folder.path / IMAGES.removesuffix(".gz")
    write_idx(plain, idx_folder.images["train"])
    before = read_idx_folder(idx_folder.path)
    write_idx(plain, idx_folder.images["train"] ^ 1)
    with pytest.raises(DataError, match=f"{plain} and {IMAGES} beside it hold different values; remove"):
        read_idx_folder(idx_folder.path)
    np.testing.assert_array_equal(before.splits["train"]["image"][..., 0] * 255, idx_folder.images["train"][:10])


def test_a_training_file_sorted_by_class_is_permuted_before_it_is_split(idx_folder: SimpleNamespace) -> None:
    write_idx(idx_folder.path / LABELS, np.repeat([0, 1, 2], 4).astype(np.uint8))
    raw = read_idx_folder(idx_folder.path)
    assert raw.notes == ("training examples sorted by class, split by a fixed permutation",)
    order = np.random.Generator(np.random.Philox(0)).permutation(12)
    published = idx_folder.images["train"][..., None].astype(np.float32) / np.float32(255)
    for key, whole in (("image", published), ("label", np.repeat([0, 1, 2], 4))):
        found = np.concatenate([raw.splits[split][key] for split in ("train", "valid")])
        np.testing.assert_array_equal(found, whole[order])


def test_classes_are_those_of_all_splits(idx_folder: SimpleNamespace) -> None:
    write_idx(idx_folder.path / LABELS, (np.arange(12) % 2).astype(np.uint8))
    raw = read_idx_folder(idx_folder.path)
    assert (raw.classes, raw.remarks) == (
        10,
        ("no split has the classes 2, 3, 4, 5, 6, 7, 8", "only test has the class 9"),
    )
