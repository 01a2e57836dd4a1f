"""LeCun's nets: the tables of the papers, and sums over connections written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from jax import lax
from programs import jit_of_draws

from models.convnets.lenet import (
    CODES,
    LENET5_MAPS,
    MAPS_1989,
    ConvNet1989,
    LeNet5,
    connected_kernel,
    squared_distances,
)
from models.feature_maps import feature_maps

MAPS = ((0, 2), (1,), (0, 1, 2))
CASES = {
    connected_kernel: Case(lambda rng: (rng.normal(size=(2, 2, 6)), MAPS), {"channels": 3}),
}
RNG = np.random.default_rng(0)


def test_every_map_sees_its_own():
    """A map is the sum over the channels that it sees, of single-channel convolutions."""
    images, weights = RNG.normal(size=(1, 5, 5, 3)), RNG.normal(size=(2, 2, 6))
    kernel = connected_kernel(jnp.asarray(weights), MAPS, channels=3)
    layout = ("NHWC", "HWIO", "NHWC")

    def correlated(kernel, channel):
        one = jnp.asarray(images[..., channel : channel + 1], jnp.float32)
        kernel = jnp.asarray(kernel[..., None, None], jnp.float32)
        return lax.conv_general_dilated(one, kernel, (1, 1), "VALID", dimension_numbers=layout)[..., 0]

    found = lax.conv_general_dilated(
        jnp.asarray(images, jnp.float32), kernel, (1, 1), "VALID", dimension_numbers=layout
    )
    expected = [
        correlated(weights[..., 0], 0) + correlated(weights[..., 1], 2),
        correlated(weights[..., 2], 1),
        sum(correlated(weights[..., 3 + channel], channel) for channel in range(3)),
    ]
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match=r"the maps have 6 connections, the weights \(2, 2, 5\)"):
        connected_kernel(jnp.ones((2, 2, 5)), MAPS, channels=3)


def test_the_papers_tables_of_maps():
    """LeCun et al. 1998: six maps of three, six of four in a row, three of four, one of all; every map of S2 is seen
    by ten. LeCun et al. 1989: eight of twelve."""
    assert [len(seen) for seen in LENET5_MAPS] == [3] * 6 + [4] * 9 + [6]
    assert sum(map(len, LENET5_MAPS)) == 60
    assert np.bincount(np.concatenate(LENET5_MAPS)).tolist() == [10] * 6
    assert len({*LENET5_MAPS}) == 16
    assert all(np.ptp([(m - seen[0]) % 6 for m in seen]) <= 5 for seen in LENET5_MAPS)
    assert [len({*seen}) for seen in MAPS_1989] == [8] * 12
    assert np.bincount(np.concatenate(MAPS_1989)).tolist() == [8] * 12


def test_layers_have_the_papers_parameters_and_units():
    """LeCun et al. 1998, section II.B: 156, 12, 1,516, 32, 48,120 and 10,164; 1989: 768, 192, 30 units."""

    def counted(model, side):
        image = jax.ShapeDtypeStruct((1, side, side, 1), jnp.float32)
        params = jax.eval_shape(model.init, jax.random.key(0), image)["params"]
        counts = {}
        for name, leaf in params.items():
            layer = name.split("_")[0]
            counts[layer] = counts.get(layer, 0) + sum(part.size for part in jax.tree.leaves(leaf))
        variables = {"params": params}
        shown = jax.eval_shape(lambda variables, image: feature_maps(model, variables, image), variables, image)
        return counts, {name: features.size for name, features in shown.items()}

    counts, units = counted(LeNet5(), 28)
    assert counts == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert units == {"C1": 4_704, "S2": 1_176, "C3": 1_600, "S4": 400, "C5": 120, "F6": 84}
    counts, units = counted(ConvNet1989(), 16)
    assert counts == {"h1": 1_068, "h2": 2_592, "h3": 5_790, "output": 310}
    assert units == {"H1": 768, "H2": 192, "H3": 30}


def test_a_class_is_a_point():
    """Features at a class's code have the largest output there: 0, the others −4 for each sign that differs."""
    scores = -np.asarray(squared_distances(jnp.asarray(CODES), jnp.asarray(CODES)))
    differing = (CODES[:, None] != CODES).sum(axis=-1)
    np.testing.assert_allclose(scores, -4.0 * differing)
    assert differing[~np.eye(10, dtype=bool)].min() > 20


def test_the_background_is_what_surrounds_the_image():
    """An empty image looks the same to every unit of a map: margins are background, not zeros. The net of 1989 gives
    its units biases of their own, which are 0 at first."""
    for model, side, first in ((LeNet5(), 28, "C1"), (ConvNet1989(), 16, "H1")):
        empty = jnp.zeros((1, side, side, 1))
        variables = jit_of_draws(model.init)(jax.random.key(0), empty)
        seen = np.asarray(feature_maps(model, variables, empty)[first])
        np.testing.assert_allclose(seen, np.broadcast_to(seen[:, :1, :1], seen.shape), rtol=1e-4, atol=1e-6)
        assert np.abs(seen).max() > 0.01
