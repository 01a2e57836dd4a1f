"""The loss of two levels and of the prior over them, term by term, and both codebooks' moving averages."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special

from experiments.networks.training import without_noise
from experiments.objectives.observation import identity
from experiments.objectives.vector_quantization import (
    code_statistics,
    hierarchical_quantization_loss,
    moving_codebook_task,
)
from losses.likelihoods import LIKELIHOODS
from models.hierarchical_vqvae import CODEBOOKS, HierarchicalVQVAE, prior_network
from models.transformer import Shape

SHAPE, LEVELS, CODES = (4, 4, 1), 3, 5
likelihood = LIKELIHOODS["categorical"](LEVELS)
prior = prior_network(SHAPE, codes=CODES, labels=2, shape=Shape(1, 1, 4, 4))
model = HierarchicalVQVAE(SHAPE, LEVELS, 3, 1, CODES, 2, prior)


def loss_of(moving_codebook, commitment=0.25):
    apply = without_noise(model.apply)
    return hierarchical_quantization_loss(
        apply, likelihood, identity, commitment=commitment, moving_codebook=moving_codebook
    )


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(0)
    grey = rng.integers(LEVELS, size=(6, *SHAPE))
    batch = {"image": jnp.asarray(grey / (LEVELS - 1), jnp.float32), "label": jnp.asarray(rng.integers(2, size=6))}
    shapes = jax.eval_shape(model.init, jax.random.key(0), batch["image"], batch["label"])
    params = jax.tree.map(lambda leaf: jnp.asarray(0.7 * rng.normal(size=leaf.shape), jnp.float32), shapes)
    return params, batch, grey, jax.random.split(jax.random.key(0), 6), jax.jit(model.apply)(params, *batch.values())


def test_the_loss_is_the_sum_of_its_terms(given):
    params, batch, grey, keys, result = given
    losses, parts = jax.jit(loss_of(False))(params, batch, keys)
    of_pixels = scipy.special.log_softmax(np.asarray(result["decoded"]), axis=-1)
    of_codes = scipy.special.log_softmax(np.asarray(result["prior_logits"]), axis=-1)
    reconstruction = -np.take_along_axis(of_pixels, grey[..., None], -1).sum((1, 2, 3, 4))
    prior = -np.take_along_axis(of_codes, np.asarray(result["indices"])[..., None], -1).sum((1, 2))
    distance = sum(
        ((np.asarray(result[name].vectors) - np.asarray(params["params"][name])[result[name].indices]) ** 2)
        .sum(-1)
        .mean(-1)
        for name in CODEBOOKS
    )
    for name, expected in {"reconstruction": reconstruction, "prior": prior, "distance": distance}.items():
        np.testing.assert_allclose(parts[name], expected, rtol=2e-5)
    np.testing.assert_allclose(losses, reconstruction + prior + 1.25 * distance, rtol=2e-5)


def test_both_codebooks_follow_the_vectors_that_chose_them(given):
    """Without memory each chosen code becomes the mean of its vectors before the step, and the others stay."""
    params, batch, _, _, result = given
    task = moving_codebook_task(
        loss_of(True),
        lambda key: jax.tree.map(lambda leaf: leaf + 0 * jax.random.normal(key), params),
        optax.sgd(0.0),
        decay=0.0,
        codebooks=CODEBOOKS,
    )
    after = jax.jit(task.step)(task.init(jax.random.key(1)), batch)[0].params
    for name in CODEBOOKS:
        codebook, level = np.array(params["params"][name]), result[name]
        for code in range(CODES):
            chosen = np.asarray(level.indices) == code
            if chosen.any():
                codebook[code] = np.asarray(level.vectors)[chosen].mean(axis=0)
        np.testing.assert_allclose(after["params"][name], codebook, rtol=1e-5, atol=1e-5)
        counts = code_statistics(level.vectors, level.indices, codes=CODES)["counts"]
        np.testing.assert_allclose(after["usage"][name], counts, rtol=1e-6)
