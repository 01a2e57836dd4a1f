"""The volumes of the lectures' examples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.convnets.pattern import parse_pattern
from models.convnets.pattern_net import PatternNet
from models.convnets.published import PATTERNS
from models.convnets.volumes import Volume, receptive_fields, volumes
from models.feature_maps import influence


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


@pytest.mark.parametrize("pool", ["POOL padding 2", "POOL 3x3 stride 2 padding 3 average"])
def test_a_pool_that_sees_padding_alone_is_named(pool):
    said = rf"^{pool} has a window that sees nothing but padding around a volume of 8 × 8 × 4$"
    with pytest.raises(ValueError, match=said):
        volumes(parse_pattern(f"CONV 4 → {pool} → FC"), (8, 8, 1), classes=10)


def test_it_is_printed_as_the_lectures_do():
    table = volumes(parse_pattern(PATTERNS["alexnet"]), (227, 227, 3), classes=1000)
    assert str(table[1]).split() == (
        ["CONV", "96", "11x11", "stride", "4", "padding", "0", "55×55×96", "290,400", "units", "34,944", "parameters"]
    )


def test_vgg_sees_as_far_with_small_windows():
    """Simonyan & Zisserman 2015, section 2.3: two 3×3 see 5×5, three see 7×7. The last pool of VGG-16 sees 212."""
    fields = receptive_fields(parse_pattern("[CONV 8 → RELU]*3 → FC"))
    assert fields == {"conv1": 3, "conv2": 5, "conv3": 7}
    assert list(receptive_fields(parse_pattern(PATTERNS["vgg16"])).items())[-1] == ("pool13", 212)
    assert receptive_fields(parse_pattern(PATTERNS["alexnet"]))["pool5"] == 195


def test_the_gradient_sees_as_far_as_the_formula():
    """With positive weights nothing cancels: pixels that count fill a square of the formula's side, and no more."""
    layers = parse_pattern("CONV 2 5x5 stride 2 padding 0 → POOL average → CONV 2 3x3 → POOL average all → FC")
    model = PatternNet(layers, 3, kernel_init=jax.nn.initializers.ones)
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 41, 41, 1)), jnp.float32)
    variables = model.init(jax.random.key(0), images)
    assert receptive_fields(layers) == {"conv1": 5, "pool1": 7, "conv2": 15}
    for name, field in receptive_fields(layers).items():
        seen = np.asarray(
            jax.jit(influence, static_argnums=0, static_argnames="name")(model, variables, images, name=name)
        )
        rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
        assert len(rows) == len(columns) == np.ptp(rows) + 1 == field
        assert np.count_nonzero(seen) == field**2
