"""The linear-Gaussian VAE, whose likelihood is known exactly.

p(z) = N(0, I), p(x | z) = N(W z + b, s² I), so p(x) = N(b, W Wᵀ + s² I), and the posterior is
N(M⁻¹ Wᵀ (x − b), s² M⁻¹), M = Wᵀ W + s² I. At probabilistic PCA's W (Tipping & Bishop 1999, equation 7) M is diagonal,
so that a VAE's encoder can be the posterior itself, and the ELBO the log-likelihood.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from losses.likelihoods import Likelihood, gaussian_log_likelihood
from models.autoencoder import MLPDecoder, MLPEncoder
from models.dropout import with_dropout
from models.vae import VAE, GaussianHead

IMAGE_SHAPE, LATENT = (2, 3, 1), 2
PIXELS = 6


class LinearGaussian(NamedTuple):
    """Images, a VAE with its parameters, its decoder's likelihood and s², and log p(x) of every image."""

    images: jax.Array
    model: VAE
    params: dict
    likelihood: Likelihood
    noise: float
    log_p: np.ndarray


def close(actual, expected, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


def quick_jit(function):
    """Compiling is most of the time here."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def keys(count, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def linear_vae():
    return VAE(MLPEncoder(GaussianHead(LATENT), ()), MLPDecoder(IMAGE_SHAPE, 1, ()))


in_training = partial(with_dropout, rate=0.0, input_rate=0.0)


def gaussian_of_log_variance(log_variance):
    def log_likelihood(image, decoded):
        return gaussian_log_likelihood(image, decoded[..., 0], jnp.full(image.shape, log_variance))

    return Likelihood(1, log_likelihood, lambda decoded: decoded[..., 0])


def linear_params(encode, encode_bias, log_variance, decode, decode_bias):
    def layer(kernel, bias):
        return {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}

    kernel = np.concatenate([encode, np.zeros((PIXELS, LATENT))], axis=1)
    head = {"Dense_0": layer(kernel, np.concatenate([encode_bias, log_variance]))}
    return {"params": {"encoder": {"head": head}, "decoder": {"Dense_0": layer(decode, decode_bias)}}}


def correlated_data(count=150):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, PIXELS)) * [[1.5], [1.0], [0.4]]
    return rng.normal(size=(count, 3)) @ mixing + 0.5 * rng.normal(size=(count, PIXELS)) + rng.normal(size=PIXELS)


def probabilistic_pca() -> LinearGaussian:
    """The VAE that is scikit-learn's probabilistic PCA (its variances those of a covariance over n − 1)."""
    data = correlated_data()
    pca = PCA(LATENT, svd_solver="full").fit(data)
    noise = pca.noise_variance_
    weights = pca.components_.T * np.sqrt(pca.explained_variance_ - noise)
    encode = weights / pca.explained_variance_
    log_variance = np.log(noise / pca.explained_variance_)
    params = linear_params(encode, -pca.mean_ @ encode, log_variance, weights.T, pca.mean_)
    likelihood = gaussian_of_log_variance(np.log(noise))
    images = jnp.asarray(data).reshape(-1, *IMAGE_SHAPE)
    return LinearGaussian(images, linear_vae(), params, likelihood, noise, pca.score_samples(data))


def perturbed(params):
    """An encoder that is not quite the posterior."""
    layer = params["params"]["encoder"]["head"]["Dense_0"]
    shift = jnp.concatenate([jnp.zeros(LATENT), jnp.full(LATENT, 0.3)])
    head = {"Dense_0": {"kernel": 0.9 * layer["kernel"], "bias": layer["bias"] + shift}}
    return {"params": params["params"] | {"encoder": {"head": head}}}


def mean_and_standard_error(values):
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
