"""The losses, the moving codebook and the bits of vector-quantised autoencoders, on models that can be enumerated."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
import scipy.stats

from experiments.networks.training import without_noise
from experiments.objectives.observation import dynamic_binarization, identity
from experiments.objectives.vector_quantization import (
    code_bits,
    code_frequencies,
    code_statistics,
    moving_codebook_task,
    positional_frequencies,
    quantization_loss,
)
from losses.likelihoods import LIKELIHOODS
from models.vqvae import mlp_vqvae
from train.mesh import data_parallel, device_mesh
from train.transforms import accumulate

SHAPE, LEVELS, CODES, POSITIONS, DIMENSIONS = (2, 2, 1), 4, 5, 3, 2
likelihood = LIKELIHOODS["categorical"](LEVELS)


def close(actual, expected, tolerance=1e-10):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), actual, expected)


def model_of():
    sizes = {"codes": CODES, "positions": POSITIONS, "dimensions": DIMENSIONS}
    return mlp_vqvae(SHAPE, outputs=LEVELS, widths=(4,), activation="tanh", **sizes)


def random_params(model, seed=0):
    shapes = jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct((1, *SHAPE), jnp.float32))
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: jnp.asarray(0.7 * rng.normal(size=leaf.shape)), shapes)


def images_of(count, seed=0):
    return jnp.asarray(np.random.default_rng(seed).integers(LEVELS, size=(count, *SHAPE)) / (LEVELS - 1))


def keys(count, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def loss_of(model, **options):
    return quantization_loss(without_noise(model.apply), likelihood, identity, **options)


@partial(jax.jit, static_argnums=0)
def encoded_and_decoded(model, params, images):
    """The encoder's vectors, the indices of their codes, and what the decoder makes of these."""
    vectors, indices, _ = model.apply(params, images, method="encode")
    return vectors, indices, model.apply(params, indices, method="decode_indices")


def test_loss_is_the_sum_of_its_three_terms(float64):
    model, images = model_of(), images_of(6)
    params = random_params(model)
    losses, parts = jax.jit(loss_of(model, commitment=0.25, moving_codebook=False))(params, {"image": images}, keys(6))
    vectors, indices, logits = encoded_and_decoded(model, params, images)
    grey = np.rint(np.asarray(images) * (LEVELS - 1)).astype(int)
    log_p = np.take_along_axis(scipy.special.log_softmax(np.asarray(logits), axis=-1), grey[..., None], axis=-1).sum(
        (1, 2, 3, 4)
    )
    codes = np.asarray(params["params"]["codebook"])[np.asarray(indices)]
    distance = ((np.asarray(vectors) - codes) ** 2).sum(axis=-1).mean(axis=-1)
    close(parts["reconstruction"], -log_p)
    close(losses, -log_p + 1.25 * distance)


def test_commitment_moves_the_encoder_and_the_codebook_loss_the_codes(float64):
    model, batch = model_of(), {"image": images_of(6)}
    params = random_params(model)

    def gradient(commitment, moving_codebook):
        loss_fn = loss_of(model, commitment=commitment, moving_codebook=moving_codebook)
        return jax.jit(jax.grad(lambda params: loss_fn(params, batch, keys(6))[0].mean()))(params)["params"]

    plain, committed, moving = (gradient(beta, moving) for beta, moving in ((0.0, True), (0.5, True), (0.0, False)))
    close(plain["codebook"], np.zeros((CODES, DIMENSIONS)))
    close(committed["codebook"], plain["codebook"])
    assert (
        np.abs(
            np.asarray(committed["encoder"]["head"]["linear"]["bias"] - plain["encoder"]["head"]["linear"]["bias"])
        ).max()
        > 0.01
    )
    close(moving["encoder"], plain["encoder"])
    close(committed["decoder"], plain["decoder"])
    vectors, indices, _ = encoded_and_decoded(model, params, batch["image"])
    totals = code_statistics(vectors, indices, codes=CODES)
    expected = 2 / POSITIONS * (totals["counts"][:, None] * params["params"]["codebook"] - totals["sums"])
    close(moving["codebook"], expected)


def test_statistics_are_means_over_examples(float64):
    vectors, indices, _ = encoded_and_decoded(model_of(), random_params(model_of()), images_of(6))
    found = code_statistics(vectors, indices, codes=CODES)
    one_hot = np.eye(CODES)[np.asarray(indices)]
    close(found["counts"], one_hot.sum(axis=(0, 1)) / 6)
    close(found["sums"], np.einsum("npk,npd->kd", one_hot, np.asarray(vectors)) / 6)


def moving_task(optimizer=None, decay=0.9):
    model = model_of()

    def init_params(key):
        return jax.tree.map(lambda leaf: leaf + 0 * jax.random.normal(key, ()), random_params(model))

    loss_fn = loss_of(model, commitment=0.25, moving_codebook=True)
    return moving_codebook_task(loss_fn, init_params, optimizer or optax.adam(0.05), decay=decay), model


def test_without_memory_a_step_is_one_iteration_of_k_means(float64):
    """Every chosen code becomes the mean of the vectors of the encoder before it moves; the others stay."""
    task, model = moving_task(decay=0.0)
    before, images = task.init(jax.random.key(0)), images_of(20)
    after, _ = jax.jit(task.step)(before, {"image": images})
    codebook = np.array(before.params["params"]["codebook"])
    vectors, indices, _ = map(np.asarray, encoded_and_decoded(model, before.params, images))
    for code in np.unique(indices):
        codebook[code] = vectors[indices == code].mean(axis=0)
    close(after.params["params"]["codebook"], codebook)
    close(after.params["usage"]["codebook"], np.bincount(indices.ravel(), minlength=CODES) / 20)
    assert np.any(codebook != before.params["params"]["codebook"])


@pytest.mark.parametrize("parts", [1, 3])
def test_the_codebook_is_the_quotient_of_the_papers_two_moving_averages(float64, parts):
    """N ← γN + (1 − γ)n and m ← γm + (1 − γ)Σz from 0 on, in NumPy, from each step's own vectors; e = m / N."""
    task, model = moving_task(decay=0.9)
    step = jax.jit((task if parts == 1 else accumulate(task, parts)).step)
    state = task.init(jax.random.key(0))
    codebook = np.asarray(state.params["params"]["codebook"])
    counts, sums = np.zeros(CODES), np.zeros((CODES, DIMENSIONS))
    for seed in range(5):
        images = images_of(6, seed)
        vectors, indices, _ = map(np.asarray, encoded_and_decoded(model, state.params, images))
        one_hot = np.eye(CODES)[indices]
        counts = 0.9 * counts + 0.1 * one_hot.sum(axis=(0, 1)) / 6
        sums = 0.9 * sums + 0.1 * np.einsum("npk,npd->kd", one_hot, vectors) / 6
        state, _ = step(state, {"image": images})
        used = counts > 0
        expected = np.where(used[:, None], sums / np.where(used, counts, 1)[:, None], codebook)
        close(state.params["params"]["codebook"], expected)
        close(state.params["usage"]["codebook"], counts)
    assert used.sum() > 1


def test_no_optimizer_moves_the_codebook(float64):
    """Weight decay would pull it to 0."""
    task, _ = moving_task(optax.adamw(0.1, weight_decay=0.9), decay=0.999999)
    before = task.init(jax.random.key(0))
    full = before._replace(params=before.params | {"usage": {"codebook": jnp.full(CODES, 1e6)}})
    after, _ = jax.jit(task.step)(full, {"image": images_of(20)})
    close(after.params["params"]["codebook"], before.params["params"]["codebook"], 1e-5)
    kernels = (state.params["params"]["encoder"]["head"]["linear"]["kernel"] for state in (before, after))
    assert np.abs(np.subtract(*kernels)).max() > 0.01


@pytest.mark.parametrize(
    "transform",
    [lambda task: accumulate(task, 3), lambda task: data_parallel(task, device_mesh(jax.devices()))],
    ids=["accumulate", "data_parallel"],
)
def test_parts_of_a_batch_move_the_codebook_as_the_whole_does(float64, transform):
    task, _ = moving_task()
    other = transform(task)
    states = {name: t.init(jax.random.key(0)) for name, t in (("whole", task), ("parts", other))}
    for seed in range(3):
        batch = {"image": images_of(6, seed)}
        states = {name: jax.jit(t.step)(states[name], batch)[0] for name, t in (("whole", task), ("parts", other))}
    close(states["parts"].params, states["whole"].params, 1e-9)


def test_bits_bound_the_log_likelihood_from_above(float64):
    """Enumerating all 5³ codes: −log₂ p(x) = −log₂ Σ p(codes) p(x | codes), for the uniform and for a fitted prior."""
    model, images = model_of(), images_of(8)
    params = random_params(model)
    every = jnp.asarray(list(product(range(CODES), repeat=POSITIONS)))

    @jax.jit
    def measure(params, images):
        result = model.apply(params, images)
        own = jax.vmap(likelihood.log_likelihood)(images, result["decoded"])
        decoded = model.apply(params, every, method="decode_indices")
        of_every = jax.vmap(jax.vmap(likelihood.log_likelihood, (None, 0)), (0, None))(images, decoded)
        return result["indices"], own, of_every

    indices, own, log_likelihood = measure(params, images)
    for prior in (jnp.full((POSITIONS, CODES), 1 / CODES), positional_frequencies(indices, codes=CODES)):
        log_prior = np.log(np.asarray(prior))[np.arange(POSITIONS), np.asarray(every)].sum(axis=1)
        np.testing.assert_allclose(np.exp(log_prior).sum(), 1.0, rtol=1e-12)
        exact = -scipy.special.logsumexp(np.asarray(log_likelihood) + log_prior, axis=1) / np.log(2)
        bits = -own / np.log(2) + jax.vmap(code_bits, (0, None))(indices, prior)
        assert (bits > exact).all()
        position = [int(np.flatnonzero((np.asarray(every) == row).all(axis=1))[0]) for row in np.asarray(indices)]
        close(jax.vmap(code_bits, (0, None))(indices, prior), -log_prior[position] / np.log(2))


def test_frequencies_count_codes():
    indices = jnp.asarray([[0, 2], [0, 1], [2, 1], [0, 1]])
    np.testing.assert_allclose(code_frequencies(indices, codes=4), [3 / 8, 3 / 8, 2 / 8, 0])
    expected = [[4 / 8, 1 / 8, 2 / 8, 1 / 8], [1 / 8, 4 / 8, 2 / 8, 1 / 8]]
    np.testing.assert_allclose(positional_frequencies(indices, codes=4), expected)


def test_the_loss_sees_the_observed_images():
    bits, settings = LIKELIHOODS["bernoulli"](2), {"commitment": 0.25, "moving_codebook": False}
    model = mlp_vqvae(SHAPE, outputs=1, widths=(4,), codes=CODES, positions=POSITIONS, dimensions=DIMENSIONS)
    params = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, *SHAPE)))
    loss_fn = jax.jit(quantization_loss(without_noise(model.apply), bits, dynamic_binarization, **settings))
    grey = {"image": jnp.full((5, *SHAPE), 0.5)}
    one, other = (loss_fn(params, grey, keys(5, seed))[1]["distance"] for seed in (0, 1))
    assert np.any(one != other)
