"""Static binarisation: Bernoulli in law, and the bits of Philox4x64-10 as its paper defines it."""

from dataclasses import dataclass

import numpy as np
import pytest

from experiments.datasets.images.binarize import binarize, static_binarization
from experiments.datasets.sources import RandomAccessSource, in_memory

MASK = 2**64 - 1


@dataclass(frozen=True)
class ListedSource:
    """Images of a list."""

    images: np.ndarray
    name: str = "listed"
    files: tuple = ()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"image": self.images[index], "label": np.asarray(index, np.int32)}


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 (Salmon et al. 2011, section 3.3): four 64-bit words."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        high0, low0 = divmod(c0 * 0xD2E7470EE14C6C93, 2**64)
        high1, low1 = divmod(c2 * 0xCA5A826395121157, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [c0, c1, c2, c3]


def test_bits_are_those_of_the_published_generator() -> None:
    image = np.linspace(0, 1, 3 * 16, dtype=np.float32).reshape(3, 4, 4, 1)
    uniform = []
    for index in range(3):
        words = [word for block in (1, 2) for word in philox([block, 0, 0, 0], [5, index])]
        halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
        uniform.append(np.array([(half >> 8) / 2**24 for half in halves], np.float32).reshape(4, 4, 1))
    binary = static_binarization(image, seed=5)
    assert binary.dtype == np.float32
    np.testing.assert_array_equal(binary, np.array(uniform) < image)
    assert not static_binarization(np.array(uniform), seed=5).any(), "a draw equal to the intensity is 0"


@pytest.mark.parametrize("intensity", [0.0, 0.02, 0.3, 0.5, 0.97, 1.0])
def test_the_mean_is_the_intensity(intensity: float) -> None:
    image = np.full((200, 28, 28, 1), intensity, np.float32)
    binary = static_binarization(image, seed=0)
    assert set(np.unique(binary)) <= {0.0, 1.0}
    standard_error = np.sqrt(intensity * (1 - intensity) / image.size)
    assert abs(binary.mean(dtype=np.float64) - intensity) <= 5 * standard_error


def test_the_draw_is_fixed_and_differs_between_seeds_and_images() -> None:
    image = np.full((2, 28, 28, 1), 0.5, np.float32)
    first, again, other = (static_binarization(image, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    for one, two in ((first, other), (first[0], first[1])):
        assert abs((one != two).mean() - 0.5) < 0.1, "independent fair bits differ half the time"


def test_a_stream_gives_the_bits_of_memory_in_any_order() -> None:
    images = np.random.default_rng(1).random((5, 6, 6, 1), dtype=np.float32)
    source = binarize(ListedSource(images), seed=2)
    assert isinstance(source, RandomAccessSource)
    expected = binarize({"image": images, "label": np.arange(5, dtype=np.int32)}, seed=2)
    for index in (4, 0, 2, 2, 1, 3):
        np.testing.assert_array_equal(source[index]["image"], expected["image"][index])
    assert in_memory(source)["label"].tolist() == list(range(5))
    assert len(source) == 5
    assert source.name != "listed", "a binarised stream must not share a fingerprint with its original"
