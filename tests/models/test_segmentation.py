"""Sizes and parameters of the papers, networks by XLA's operations, and large pictures tile by tile."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from flax import linen as nn

from models.layers.tiles import mirrored, overlap_tiles
from models.segmentation import FCN, UNet, UpConvolution, cropped, unet_size

CASES = {cropped: Case(lambda rng: (rng.normal(size=(2, 5, 6, 3)),), options={"size": (3, 2)})}
PAPER = (64, 128, 256, 512, 1024)


def shapes_of(network, *shape):
    image = jax.ShapeDtypeStruct(shape, jnp.float32)
    params = jax.eval_shape(network.init, jax.random.key(0), image)
    return params, jax.eval_shape(network.apply, params, image).shape


def random_params(network, images):
    params = network.init(jax.random.key(0), images.astype(jnp.float32))
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    drawn = [
        jax.random.normal(*each)
        for each in zip(keys, map(jnp.shape, leaves), [images.dtype] * len(leaves), strict=True)
    ]
    return tree.unflatten([0.3 * leaf for leaf in drawn])


def test_the_papers_u_net_makes_388_of_572():
    network = UNet(PAPER, classes=2, padding="VALID")
    params, shape = shapes_of(network, 1, 572, 572, 1)
    assert shape == (1, 388, 388, 2)
    assert unet_size(572, levels=5, padding="VALID") == 388
    down = [9 * (a + b) * b + 2 * b for a, b in zip((1, *PAPER[:-1]), PAPER, strict=True)]
    up = [4 * 2 * b * b + b + 9 * 2 * b * b + b + 9 * b * b + b for b in PAPER[:-1]]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == sum(down) + sum(up) + 2 * 64 + 2


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_formula_is_the_network(padding, levels):
    network, fitting = UNet((2,) * levels, classes=3, padding=padding), 0
    for size in range(1, 70):
        try:
            expected = unet_size(size, levels=levels, padding=padding)
        except ValueError as error:
            larger = int(str(error).split()[-1])
            assert larger > size
            unet_size(larger, levels=levels, padding=padding)
            continue
        if fitting < 3:
            assert shapes_of(network, 1, size, size, 1)[1] == (1, expected, expected, 3)
        fitting += 1
    assert fitting > 5
    with pytest.raises(ValueError, match=r"3 levels takes no 45 pixels a side: the next that fit are 48"):
        unet_size(45, levels=3, padding="VALID")


def test_a_u_net_is_its_operations(float64):
    """Two levels, by Flax's own convolutions and their transposes."""
    images = jax.random.normal(jax.random.key(2), (2, 20, 24, 1), float)
    network = UNet((2, 3), classes=4, padding="VALID")
    params = random_params(network, images)
    own = params["params"]

    def convolved(name, maps):
        return nn.Conv(own[name]["bias"].size, own[name]["kernel"].shape[:2], padding="VALID").apply(
            {"params": own[name]}, maps
        )

    first = nn.relu(convolved("Conv_1", nn.relu(convolved("Conv_0", images))))
    low = nn.relu(convolved("Conv_3", nn.relu(convolved("Conv_2", nn.max_pool(first, (2, 2), (2, 2))))))
    up = nn.ConvTranspose(2, (2, 2), (2, 2), padding="VALID", transpose_kernel=True)
    raised = up.apply({"params": own["UpConvolution_0"]}, low)
    joined = jnp.concatenate([first[:, 4:-4, 4:-4], raised], axis=-1)
    last = nn.relu(convolved("Conv_5", nn.relu(convolved("Conv_4", joined))))
    np.testing.assert_allclose(network.apply(params, images), convolved("Conv_6", last), rtol=1e-9)


def test_large_pictures_tile_by_tile_are_the_whole(float64):
    """Of a U-Net without padding, whose tiles lie on the grid of its pools."""
    network = UNet((2, 3, 3), classes=2, padding="VALID")
    side = 60
    inner = unet_size(side, levels=3, padding="VALID")
    params = random_params(network, jnp.zeros((1, side, side, 1), float))
    image, margin = jax.random.normal(jax.random.key(3), (52, 44, 1), float), (side - inner) // 2

    def predict(tile):
        return network.apply(params, tile[None])[0]

    tiled = jax.jit(partial(overlap_tiles, predict, side=side, inner=inner, step=inner - inner % 4))(image)
    rows, columns = (mirrored(jnp.arange(-margin, size + margin), size=size) for size in image.shape[:2])
    whole = predict(image[rows[:, None], columns[None]])
    assert tiled.shape == (52, 44, 2)
    np.testing.assert_allclose(tiled, whole, rtol=1e-9)


@pytest.mark.parametrize("join", ["sum", "concatenation"])
@pytest.mark.parametrize("skips", [0, 1, 2])
def test_an_fcn_takes_any_size_and_its_middle_forgets_where_it_is(float64, join, skips):
    """Of a picture moved by the coarsest stride, the answers move with it."""
    network = FCN((2, 3, 4), classes=3, skips=skips, join=join)
    image = jax.random.normal(jax.random.key(0), (1, 72, 64, 2), float)
    params = random_params(network, image)
    whole, moved = (network.apply(params, each) for each in (image, image[:, 8:]))
    assert whole.shape == (1, 72, 64, 3)
    np.testing.assert_allclose(whole[:, 32:40], moved[:, 24:32], rtol=1e-9)
    with pytest.raises(ValueError, match="multiples of 8"):
        network.apply(params, image[:, 1:])


def test_skips_by_sum_begin_as_no_skip_at_all():
    """Scores are enlarged twice by 2 instead of once by 4, both bilinear: equal where neighbours are equal."""
    image = jnp.ones((1, 64, 64, 1))
    networks = [FCN((2, 3, 4), classes=3, skips=skips) for skips in (0, 2)]
    params = [network.init(jax.random.key(0), image) for network in networks]
    shared = {name: params[0]["params"].get(name, leaf) for name, leaf in params[1]["params"].items()}
    middle = slice(28, 36)
    answers = [
        network.apply({"params": each}, image)[:, middle, middle]
        for network, each in zip(networks, (params[0]["params"], shared), strict=True)
    ]
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at most 2 skips"):
        FCN((2, 3, 4), classes=3, skips=3).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match="window of 3"):
        UpConvolution(2, 2, 3).init(jax.random.key(0), jnp.zeros((1, 4, 4, 2)))
    with pytest.raises(ValueError, match="no middle"):
        cropped(jnp.zeros((1, 4, 4, 1)), size=(5, 3))
