"""The tied autoencoder beside the untied one with transposed weights, and beside scikit-learn's PCA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import jit_of_draws
from sklearn.decomposition import PCA

from models.autoencoder import CodeHead, mlp_autoencoder
from models.tied_autoencoder import TiedAutoencoder

SHAPE = (3, 2, 1)


def tied_and_untied(widths):
    untied = mlp_autoencoder(CodeHead(4), SHAPE, outputs=1, widths=widths, activation="tanh")
    return TiedAutoencoder(untied.encoder, untied.decoder), untied


def written_out(params, widths):
    """The parameters of the untied one that computes the same."""
    encoder, decoder = params["params"]["encoder"], params["params"]["decoder"]
    if not widths:
        kernel = encoder["head"]["linear"]["kernel"]
        return {"params": {"encoder": encoder, "decoder": {"Dense_0": {**decoder["Dense_0"], "kernel": kernel.T}}}}
    inner, outer = encoder["head"]["linear"]["kernel"], encoder["MLP_0"]["Dense_0"]["kernel"]
    hidden = {"Dense_0": {**decoder["MLP_0"]["Dense_0"], "kernel": inner.T}}
    return {
        "params": {
            "encoder": encoder,
            "decoder": {"MLP_0": hidden, "Dense_0": {**decoder["Dense_0"], "kernel": outer.T}},
        }
    }


@pytest.mark.parametrize("widths", [(), (5,)])
def test_it_is_the_untied_one_with_transposed_weights(widths):
    tied, untied = tied_and_untied(widths)
    images = jnp.asarray(np.random.default_rng(0).uniform(size=(7, *SHAPE)).astype(np.float32))
    params = jit_of_draws(tied.init)(jax.random.key(1), images)
    expected = untied.apply(written_out(params, widths), images)
    jax.tree.map(np.testing.assert_array_equal, tied.apply(params, images), expected)
    codes = tied.apply(params, images, method="encode")
    np.testing.assert_array_equal(tied.apply(params, codes, method="decode"), expected["decoded"])


@pytest.mark.parametrize("widths", [(), (5,)])
def test_a_kernels_gradient_is_the_sum_of_both_its_uses(widths):
    tied, untied = tied_and_untied(widths)
    images = jnp.asarray(np.random.default_rng(0).uniform(size=(7, *SHAPE)).astype(np.float32))
    params = jit_of_draws(tied.init)(jax.random.key(1), images)

    def loss_of(model):
        return jax.jit(jax.grad(lambda params: jnp.sum((model.apply(params, images)["decoded"][..., 0] - images) ** 2)))

    whole, parts = loss_of(tied)(params), loss_of(untied)(written_out(params, widths))["params"]
    kernel = whole["params"]["encoder"]["head"]["linear"]["kernel"]
    mirror = parts["decoder"]["MLP_0"]["Dense_0"] if widths else parts["decoder"]["Dense_0"]
    expected = parts["encoder"]["head"]["linear"]["kernel"] + mirror["kernel"].T
    np.testing.assert_allclose(kernel, expected, rtol=1e-4, atol=1e-5)


def test_linear_with_principal_axes_it_restores_as_scikit_learns_pca(float64):
    images = np.random.default_rng(0).normal(size=(40, 6)) * np.arange(1.0, 7.0)
    pca = PCA(4).fit(images)
    kernel, mean = jnp.asarray(pca.components_.T), jnp.asarray(pca.mean_)
    tied, _ = tied_and_untied(())
    params = {
        "params": {
            "encoder": {"head": {"linear": {"kernel": kernel, "bias": -mean @ kernel}}},
            "decoder": {"Dense_0": {"bias": mean}},
        }
    }
    restored = tied.apply(params, jnp.asarray(images.reshape(40, *SHAPE)))["decoded"].reshape(40, 6)
    np.testing.assert_allclose(restored, pca.inverse_transform(pca.transform(images)), rtol=1e-9, atol=1e-9)
