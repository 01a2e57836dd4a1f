"""The losses of deterministic autoencoders, held against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.networks.training import without_noise
from experiments.objectives.observation import corruption_of, identity
from experiments.objectives.reconstruction import (
    Penalties,
    penalty_of,
    reconstruction_loss,
    reconstruction_metrics,
)
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import CodeHead, mlp_autoencoder
from train.optimizers import Optimization, make_optimizer
from train.task import supervised

KEYS = jax.random.split(jax.random.key(0), 6)
IMAGES = jax.random.uniform(jax.random.key(1), (6, 4, 4, 1))


@pytest.fixture(scope="module")
def sigmoid_layer():
    model = mlp_autoencoder(CodeHead(5, "sigmoid"), (4, 4, 1), outputs=1, widths=())
    return model, model.init(jax.random.key(0), IMAGES)


def test_the_two_forms_of_the_contraction_agree(sigmoid_layer):
    """By autodiff, and written down for an encoder that is one layer of sigmoids."""
    model, params = sigmoid_layer
    code = model.apply(params, IMAGES, method="encode")
    closed, by_autodiff = (
        penalty_of(without_noise(model.apply), penalties, params, IMAGES, code, KEYS)
        for penalties in (Penalties(contraction=1.0, closed_form=form) for form in (True, False))
    )
    np.testing.assert_allclose(closed, by_autodiff, rtol=1e-4)


def test_what_is_measured_of_an_example_does_not_depend_on_who_shares_its_batch(sigmoid_layer):
    """The penalty of mean activations is the whole batch's, so it is minimised and never measured."""
    model, params = sigmoid_layer
    penalties = Penalties(activity=0.1, sparsity=1.0, contraction=0.1, closed_form=True)

    def losses(penalties, images, keys):
        loss_fn = reconstruction_loss(without_noise(model.apply), LIKELIHOODS["bernoulli"](0), identity, penalties)
        return jax.jit(loss_fn)(params, {"image": images}, keys)[0]

    of_all, of_two = (losses(penalties.of_an_example, IMAGES[:n], KEYS[:n]) for n in (6, 2))
    np.testing.assert_allclose(of_all[:2], of_two, rtol=1e-5)
    minimised, of_fewer = (losses(penalties, IMAGES[:n], KEYS[:n]) for n in (6, 2))
    assert np.abs(minimised[:2] - of_fewer).min() > 1e-4


def test_a_linear_denoising_autoencoder_is_the_wiener_filter():
    """Of Gaussian images x ~ N(0, C) and noise of variance s², the best linear restoration is C (C + s²I)⁻¹."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(4, 4)) * np.array([2.0, 1.0, 0.5, 0.2])
    images = jnp.asarray((rng.normal(size=(20_000, 4)) @ factor.T).reshape(-1, 2, 2, 1), jnp.float32)
    model = mlp_autoencoder(CodeHead(4), (2, 2, 1), outputs=1, widths=())
    noise = corruption_of("gaussian", 0.8)
    loss_fn = reconstruction_loss(without_noise(model.apply), LIKELIHOODS["unit_gaussian"](0), noise, Penalties())
    optimizer = make_optimizer(Optimization(learning_rate=2e-2, schedule="cosine"), 1000)
    task = supervised(loss_fn, lambda key: model.init(key, images[:1]), optimizer)
    rows = jax.random.randint(jax.random.key(1), (1000, 2000), 0, len(images))
    state, _ = jax.jit(
        lambda state: jax.lax.scan(lambda s, index: task.step(s, {"image": images[index]}), state, rows)
    )(task.init(jax.random.key(0)))

    def restore(flat):
        return model.apply(state.params, flat.reshape(1, 2, 2, 1))["decoded"].reshape(4)

    covariance = np.cov(np.asarray(images).reshape(-1, 4).T)
    wiener = covariance @ np.linalg.inv(covariance + 0.8**2 * np.eye(4))
    # 2·10⁶ noisy images leave about this much chance in each entry
    np.testing.assert_allclose(jax.jacobian(restore)(jnp.zeros(4)), wiener, atol=0.02)


def test_metrics_are_those_of_the_images(sigmoid_layer):
    model, params = sigmoid_layer
    likelihood = LIKELIHOODS["bernoulli"](0)
    measured = reconstruction_metrics(model.apply, likelihood, corruption_of("masking", 0.3))(
        params, {"image": IMAGES}, KEYS
    )
    again = np.asarray(likelihood.mean(model.apply(params, IMAGES)["decoded"]))
    difference = (np.asarray(IMAGES) - again).reshape(6, -1)
    np.testing.assert_allclose(measured["distance"], np.linalg.norm(difference, axis=1), rtol=1e-5)
    np.testing.assert_allclose(measured["psnr"], -10 * np.log10(np.mean(difference**2, axis=1)), rtol=1e-5)
    assert (measured["noisy_psnr"] > 0).all()
