"""The volumes of the lectures' examples."""

import pytest

from models.convnets.pattern import parse_pattern
from models.convnets.published import PATTERNS
from models.convnets.volumes import Volume, volumes


def shapes(pattern, image, classes=1000):
    """After every layer that changes the volume's sides or channels."""
    found = [volume.shape for volume in volumes(parse_pattern(pattern), image, classes=classes)]
    return [shape for shape, before in zip(found, [None, *found[:-1]], strict=True) if shape != before]


def test_the_lectures_net_for_cifar10():
    """Lecture 000: INPUT 32×32×3 → CONV 32×32×12 → RELU → POOL 16×16×12 → FC 1×1×10."""
    assert volumes(parse_pattern("CONV 12 → RELU → POOL → FC"), (32, 32, 3), classes=10) == [
        Volume("INPUT", (32, 32, 3), 3_072, 0),
        Volume("CONV 12", (32, 32, 12), 12_288, 28 * 12),
        Volume("RELU", (32, 32, 12), 12_288, 0),
        Volume("POOL", (16, 16, 12), 3_072, 0),
        Volume("FC", (1, 1, 10), 10, 3_073 * 10),
    ]


def test_alexnets_first_layer():
    """Lecture 000: 55×55×96 = 290,400 units of 364 weights each, which they share: 34,944 parameters."""
    first = volumes(parse_pattern(PATTERNS["alexnet"]), (227, 227, 3), classes=1000)[1]
    assert (first.shape, first.units, first.parameters) == ((55, 55, 96), 290_400, 34_944)


def test_five_features_at_stride_2():
    """Lectures 000 and 001: 16×16×5 = 1,280 units of 28 weights."""
    found = volumes(parse_pattern("CONV 5 stride 2 → FC"), (32, 32, 3), classes=10)[1]
    assert (found.shape, found.units, found.parameters) == ((16, 16, 5), 1_280, 28 * 5)


def test_the_papers_volumes():
    """Krizhevsky et al. 2012, section 3.5; Zeiler & Fergus 2014, figure 3; LeCun et al. 1998, figure 2."""
    after_the_image = (13, 13, 384), (13, 13, 256), (6, 6, 256), (1, 1, 4096), (1, 1, 1000)
    assert shapes(PATTERNS["alexnet"], (227, 227, 3))[1:] == [
        (55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256), *after_the_image,
    ]  # fmt: skip
    assert shapes(PATTERNS["zfnet"], (224, 224, 3))[1:] == [
        (110, 110, 96), (55, 55, 96), (26, 26, 256), (13, 13, 256), *after_the_image,
    ]  # fmt: skip
    assert shapes(PATTERNS["lenet5"], (28, 28, 1), 10)[1:] == [
        (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120), (1, 1, 84), (1, 1, 10),
    ]  # fmt: skip
    sides = [shape[0] for shape in shapes(PATTERNS["vgg16"], (224, 224, 3))]
    assert sides == [224, 224, 112, 112, 56, 56, 28, 28, 14, 7, 1, 1]


def test_a_window_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"^CONV 4 5x5 padding 0 does not fit a volume of 2 × 2 × 8$"):
        volumes(parse_pattern("[CONV 8 → POOL]*2 → CONV 4 5x5 padding 0 → FC"), (8, 8, 1), classes=10)
