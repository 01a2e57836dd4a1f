"""What all test images have, beside what batches of them say, and settings that contradict each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from experiments.autoencoders.vqvae.experiment import VQVAESettings, evaluate, evaluate_whole, network
from experiments.datasets import Dataset
from experiments.objectives.observation import dynamic_binarization
from experiments.objectives.vector_quantization import observed_images
from experiments.run.settings import configure

SHAPE, LEVELS, CODES, POSITIONS, DIMENSIONS = (2, 2, 1), 4, 5, 3, 2


def close(actual, expected, tolerance=1e-5):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def keys(count):
    return jax.random.split(jax.random.key(0), count)


def data_of(counts, levels=LEVELS):
    """Random images by split."""
    rng = np.random.default_rng(0)
    shades = {split: rng.integers(levels, size=(count, *SHAPE)) / (levels - 1) for split, count in counts.items()}
    splits = {split: {"image": images.astype(np.float32)} for split, images in shades.items()}
    return Dataset("planted", "", "", splits, levels=levels)


SMALL = configure(VQVAESettings(), widths=(4,), codes=CODES, positions=POSITIONS, dimensions=DIMENSIONS)


def test_what_all_test_images_have_is_measured_once_and_is_what_batches_would_say():
    """Bits, usage and perplexity by NumPy from the network's own codes, of grey values, which no key redraws."""
    settings = configure(SMALL, likelihood="categorical", binarization="none")
    dataset = data_of({"train": 40, "valid": 1, "test": 13})
    params = jax.jit(network(settings, dataset).init)(jax.random.key(3), jnp.zeros((1, *SHAPE)))
    params = jax.tree.map(lambda leaf: 20 * leaf, params)
    whole = evaluate_whole(settings, dataset)
    found = jax.jit(whole.measure)(params, whole.data, jax.random.key(0))
    test = jnp.asarray(dataset.splits["test"]["image"])
    measure = jax.jit(evaluate(settings, dataset))
    parts = [measure(params, {"image": test[i : i + 1]}, keys(1)) for i in range(13)]
    encode = jax.jit(lambda images: network(settings, dataset).apply(params, images, method="encode").indices)
    train_codes, codes = (
        np.asarray(encode(jnp.asarray(dataset.splits[split]["image"]))) for split in ("train", "test")
    )
    counts = np.stack([np.bincount(column, minlength=CODES) for column in train_codes.T])
    prior = (counts + 1) / (40 + CODES)
    fitted = -np.log2(prior[np.arange(POSITIONS), codes]).sum(axis=1).mean()
    uniform = POSITIONS * np.log2(CODES)
    difference = (uniform - fitted) / np.prod(SHAPE)
    assert difference > 0.05
    bits_per_dim = np.mean([part["bits_per_dim"] for part in parts])
    close(found["bits_per_dim_fitted"], bits_per_dim - difference)
    reconstruction = np.mean([part["reconstruction"] for part in parts])
    close(bits_per_dim, (reconstruction / np.log(2) + uniform) / np.prod(SHAPE))
    used = np.bincount(codes.ravel(), minlength=CODES)
    assert float(found["codes_used"]) == np.sum(used > 0)
    close(found["perplexity"], np.exp(scipy.stats.entropy(used)))


def test_images_that_are_encoded_as_a_whole_are_bits_from_keys_of_their_own():
    """Grey images, so that bits say which keys drew them: equal at every call, other in each split, and none of them
    drawn by a key that is a stream of seed 0."""
    grey = {split: {"image": np.full((5, 20, 20, 1), 0.5, np.float32)} for split in ("train", "test")}
    dataset = Dataset("planted", "", "", grey)
    first, second = observed_images(SMALL.observe, dataset), observed_images(SMALL.observe, dataset)
    jax.tree.map(np.testing.assert_array_equal, first, second)
    streams = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(0), i))(jnp.arange(5))
    of_streams = jax.vmap(dynamic_binarization)(streams, jnp.asarray(grey["train"]["image"]))
    rows = np.concatenate([np.asarray(each).reshape(5, -1) for each in (first["train"], first["test"], of_streams)])
    agreeing = (rows[:, None] == rows[None]).mean(axis=2) - np.eye(15)
    assert agreeing.max() < 0.7


def test_bits_and_grey_values_have_their_own_likelihoods():
    with pytest.raises(ValueError, match="bernoulli models bits"):
        configure(VQVAESettings(), binarization="none")
    with pytest.raises(ValueError, match="bernoulli models bits"):
        configure(VQVAESettings(), likelihood="categorical")
    assert configure(VQVAESettings(), likelihood="categorical", binarization="none")


def test_the_convolutions_have_one_number_of_features():
    with pytest.raises(ValueError, match="one value, not"):
        configure(VQVAESettings(), network="residual")


def test_the_decay_is_idle_without_moving_averages():
    assert configure(VQVAESettings(), codebook="gradient").idle()["decay"] == "with --codebook gradient"
    assert "decay" not in configure(VQVAESettings(), codebook="ema").idle()
