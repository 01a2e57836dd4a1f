"""Flows of images: the protocol of bits per dimension, and what is refused."""

import jax
import numpy as np
import pytest

from experiments.datasets import DataError
from experiments.generative.flow_digits.experiment import EXPERIMENT, ImageFlowSettings, data
from experiments.objectives.flow import dequantized_bits
from experiments.run.settings import configure

SMALL = configure(ImageFlowSettings(), network="simple", blocks=1, depth=0, hidden=2)


def test_more_draws_cost_fewer_bits():
    """On average: the bound of eight draws is tighter than that of one, and neither is below what the loss says."""
    dataset = data(SMALL)
    batch = {"image": jax.device_put(dataset.head("test", 100)["image"])}
    params = jax.jit(EXPERIMENT.task(SMALL, dataset).init)(jax.random.key(0)).params
    apply, keys = EXPERIMENT.network(SMALL, dataset).apply, jax.random.split(jax.random.key(1), 100)

    def bits(samples):
        found, metrics = jax.jit(dequantized_bits(apply, samples=samples))(params, batch, keys)
        np.testing.assert_allclose(found, metrics["nll"] / (64 * np.log(2)), rtol=1e-6)
        return found

    one, eight = bits(1), bits(8)
    assert eight.mean() < one.mean()


def test_bits_are_those_of_two_levels_after_binarisation():
    assert data(configure(SMALL, binarization="static")).levels == 2
    assert data(SMALL).levels == 17


def test_images_that_two_scales_do_not_tile_are_told_of():
    dataset = data(SMALL)
    odd = dataset._replace(splits={"train": {"image": np.zeros((4, 6, 8, 1), np.float32)}})
    with pytest.raises(DataError, match="images of 6 × 8, which 4 × 4 blocks do not tile: type --network simple"):
        EXPERIMENT.network(configure(SMALL, network="glow"), odd)
