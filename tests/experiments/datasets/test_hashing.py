"""The fingerprint tells data sets apart, and nothing else does."""

import hashlib
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.datasets import fingerprint, load
from experiments.datasets.sources import in_memory
from train.windows import Windows


@pytest.fixture
def splits() -> dict[str, dict[str, np.ndarray]]:
    """Two splits of two arrays, one of them empty."""
    return {
        split: {"image": np.arange(count * 4, dtype=np.float32).reshape(count, 2, 2, 1), "label": np.arange(count)}
        for split, count in (("train", 3), ("test", 0))
    }


def test_it_is_the_hash_that_the_docstring_says() -> None:
    array = np.array([[1, 2], [3, 4]], np.uint8)
    expected = hashlib.sha256(b"test/label |u1 (2, 2)\n\x01\x02\x03\x04").hexdigest()
    assert fingerprint({"test": {"label": array}}) == f"sha256:{expected}"
    assert fingerprint({"test": {"label": np.asfortranarray(array)}}) == f"sha256:{expected}"


def test_order_of_splits_and_arrays_does_not_matter(splits: dict[str, dict[str, np.ndarray]]) -> None:
    reversed_order = {split: dict(reversed(arrays.items())) for split, arrays in reversed(splits.items())}
    assert list(reversed_order) != list(splits)
    assert fingerprint(reversed_order) == fingerprint(splits)


def test_every_pixel_matters(splits: dict[str, dict[str, np.ndarray]]) -> None:
    pixels = splits["train"]["image"].size
    prints = {fingerprint(splits)}
    for pixel in range(pixels):
        changed = deepcopy(splits)
        changed["train"]["image"].flat[pixel] = np.nextafter(changed["train"]["image"].flat[pixel], np.float32(99))
        prints.add(fingerprint(changed))
    assert len(prints) == pixels + 1


def test_names_dtypes_and_shapes_matter(splits: dict[str, dict[str, np.ndarray]]) -> None:
    image = splits["train"]["image"]
    variants = [
        splits,
        splits | {"valid": splits["test"]},
        {"valid": splits["train"], "test": splits["test"]},
        splits | {"train": {"picture": image, "label": splits["train"]["label"]}},
        splits | {"train": splits["train"] | {"image": image.reshape(3, 4, 1, 1)}},
        splits | {"train": splits["train"] | {"image": image.view(np.int32)}},
    ]
    assert len({fingerprint(variant) for variant in variants}) == len(variants)


def test_a_run_on_digits_of_an_earlier_version_is_still_recognised() -> None:
    prints = [load("digits", data_dir=None, binarization=kind).fingerprint for kind in ("none", "static")]
    assert prints == [
        "sha256:8829513dfe4f377d4ad6f15bc3e46b7842a8c784c50a9245b1a99f7c5f1e6f75",
        "sha256:9db572bc36adb1201c791019b9d633205250a7aeac0aba4d3e01296ab278cba4",
    ]


def test_of_windows_it_sees_sequence_length_and_stride_and_writes_none_out() -> None:
    text = np.arange(100, dtype=np.uint8)
    changed = text.copy()
    changed[50] ^= 1
    variants = [Windows(text, 8, 7), Windows(text, 7, 7), Windows(text, 8, 8), Windows(changed, 8, 7), text]
    prints = {fingerprint({"train": {"symbols": variant}}) for variant in variants}
    assert len(prints) == len(variants)
    header = b"train/symbols in windows of 8 every 7: |u1 (100,)\n"
    expected = hashlib.sha256(header + text.tobytes()).hexdigest()
    assert fingerprint({"train": {"symbols": variants[0]}}) == f"sha256:{expected}"


class Stream:
    """Images of a list, said to lie in `files`."""

    def __init__(self, images: np.ndarray, files: tuple[Path, ...] = (), name: str = "stream") -> None:
        self.images, self.files, self.name = images, files, name

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"image": self.images[index]}


@pytest.fixture
def files(tmp_path: Path) -> SimpleNamespace:
    """Three files of 3,000 bytes, and a print of a stream that lies in them."""
    paths = tuple(tmp_path / name for name in "abc")
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 3_000)
    images = np.zeros((5, 2), np.float32)
    return SimpleNamespace(paths=paths, print=lambda files=paths: fingerprint({"train": Stream(images, files)}))


def test_of_a_stream_it_sees_every_byte_of_every_file(files: SimpleNamespace) -> None:
    prints = {files.print()}
    for path in files.paths:
        for place in (0, 1_500, 2_999):
            whole = path.read_bytes()
            path.write_bytes(whole[:place] + b"!" + whole[place + 1 :])
            prints.add(files.print())
            path.write_bytes(whole)
    assert len(prints) == 10
    assert len({files.print(), files.print(files.paths[::-1]), files.print(files.paths[:2])}) == 3


def test_of_a_stream_it_does_not_see_where_the_files_lie_nor_when_they_were_written(
    files: SimpleNamespace, tmp_path: Path
) -> None:
    before = files.print()
    moved = []
    for path in files.paths:
        (tmp_path / "other").mkdir(exist_ok=True)
        moved.append(tmp_path / "other" / path.name.upper())
        moved[-1].write_bytes(path.read_bytes())
    assert files.print(tuple(moved)) == before


def test_a_file_changed_between_two_prints_is_noticed(files: SimpleNamespace) -> None:
    before = files.print()
    files.paths[1].write_bytes(b"?" * 3_000)
    assert files.print() != before


def test_of_a_stream_without_files_it_sees_every_example() -> None:
    images = np.arange(10, dtype=np.float32).reshape(5, 2)
    prints = {fingerprint({"train": Stream(images)})}
    for place in range(10):
        changed = images.copy()
        changed.flat[place] += 100
        prints.add(fingerprint({"train": Stream(changed)}))
    assert len(prints) == 11
    assert fingerprint({"train": in_memory(Stream(images))}) not in prints


def test_context_matters_and_none_changes_nothing(splits: dict[str, dict[str, np.ndarray]]) -> None:
    assert fingerprint(splits, ()) == fingerprint(splits)
    edges = np.array([[0, 1], [1, 2]])
    contexts = [(), {"edges": edges}, {"edges": edges + 1}, {"faces": edges}, {"edges": edges, "degree": edges[0]}]
    assert len({fingerprint(splits, context) for context in contexts}) == len(contexts)
