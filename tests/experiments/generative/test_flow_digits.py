"""Flows of images: the protocol of bits per dimension, and what is refused."""

import jax
import numpy as np
import pytest

from experiments.datasets import DataError
from experiments.generative.flow_digits.experiment import EXPERIMENT, ImageFlowSettings, data
from experiments.objectives.flow import dequantized_bits
from experiments.run.export import exported_forward, named
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


def test_it_is_exported_for_any_number_of_images():
    """With the middles of bins in place of noise."""
    dataset, model = data(SMALL), EXPERIMENT.network(SMALL, data(SMALL))
    params = jax.jit(EXPERIMENT.task(SMALL, dataset).init)(jax.random.key(0)).params
    images = jax.device_put(dataset.head("test", 3)["image"])
    exported = exported_forward(model, params, dataset.example()["image"])
    found = exported.call(named(params)[0], images)
    expected = model.apply(params, images, jax.numpy.full_like(images, 0.5))
    np.testing.assert_allclose(found["latent"], expected["latent"], atol=1e-5)
