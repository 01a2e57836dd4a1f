"""What is drawn of convolutional nets: numbers of a table, shades of maps, sides of fields."""

import numpy as np

from experiments.evaluations.convnet_views import first_kernel, spread
from experiments.plots.convnets import (
    TILE,
    feature_map_rows,
    influence_maps,
    kernel_grid,
    running_statistics,
    seen_side,
    volume_table,
)
from models.convnets.pattern import parse_pattern
from models.convnets.volumes import volumes

RNG = np.random.default_rng(0)


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_the_table_has_every_layer_and_the_sums():
    table = volumes(parse_pattern("CONV 12 → RELU → POOL → FC"), (32, 32, 3), classes=10)
    found = texts(volume_table(table))
    for row in (("CONV 12", "32 × 32 × 12", "12,288", "336"), ("POOL", "16 × 16 × 12", "3,072", "0")):
        place = found.index(row[0])
        assert tuple(found[place : place + 4]) == row
    assert found[-2:] == ["27,658", "31,066"]  # 2 · 12,288 + 3,072 + 10 and 336 + 30,730


def test_maps_keep_their_order_and_are_scaled_by_layer():
    """The channels of largest values, each pixel a square; the layer's least is black, its largest white."""
    features = RNG.normal(size=(4, 4, 30))
    features[..., 7] = 9.0
    image = RNG.random((8, 8, 1))
    figure = feature_map_rows(image, {"conv1": features, "constant": np.ones((2, 2, 3))})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "image\n8×8×1",
        "conv1\n4×4×30",
        "constant\n2×2×3",
    ]
    picture = axes.images[0].get_array()
    assert picture.shape[:2] == (3 * (TILE + 1) - 1, 12 * (TILE + 1) - 1)
    second = picture[TILE + 1 : 2 * TILE + 1]
    assert (second[..., 0].max(), second[..., 0].min() < 0.5) == (1, True)
    assert (second[:, [i * (TILE + 1) + 5 for i in range(12)], 0] == 1).all(axis=0).sum() == 1


def test_a_coloured_image_is_drawn_beside_grey_maps():
    feature_map_rows(RNG.random((8, 8, 3)), {"conv1": RNG.normal(size=(4, 4, 5))})
    kernel_grid(RNG.normal(size=(3, 3, 3, 8)))


def test_the_side_that_is_seen():
    values = np.zeros((9, 9))
    assert seen_side(values) == 0
    values[2:5, 3:8] = 1
    assert seen_side(values) == 5
    figure = influence_maps({"conv1": values, "layer1_0": values}, {"conv1": 7})
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["conv1\nformula 7\ngradient 5", "layer1_0\ngradient 5"]


def test_statistics_stand_in_the_order_of_the_layers():
    moments = {"mean": np.zeros(2), "variance": np.ones(2)}
    figure = running_statistics({f"features_{n}": moments for n in (11, 4, 1)} | {"layer1_0": {"bn1": moments}})
    names = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert names == ["features_1", "features_4", "features_11", "layer1_0/bn1"]


def test_layers_are_spread_over_the_depth():
    shapes = {f"conv{n}": (4, 4, 8) for n in range(1, 21)} | {"relu20": (4, 4, 8), "fc21": (10,), "a/b": (4, 4, 2)}
    assert spread(shapes, without=("relu",)) == [f"conv{n}" for n in (1, 3, 5, 7, 9, 12, 14, 16, 18, 20)]
    assert spread(shapes, without=("conv",)) == ["relu20"]


def test_the_first_kernel_is_the_one_that_sees_the_image():
    params = {"aux1": np.zeros((1, 1, 8, 4)), "conv1": np.zeros((3, 3, 1, 8)), "fc": np.zeros((8, 2))}
    assert first_kernel(params, 1).shape == (3, 3, 1, 8)
    of_1989 = {"h1_bias": np.zeros((8, 8, 12)), "h1_weights": np.zeros((5, 5, 1, 12))}
    assert first_kernel(of_1989, 1).shape == (5, 5, 1, 12)
