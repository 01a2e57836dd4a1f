"""Mixed precision against float32: gradients agree to bfloat16's eight bits, and what is kept is float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.vae import conv_vae, mlp_vae
from train.precision import compute_in

MODELS = {
    "mlp": mlp_vae((8, 8, 1), outputs=1, latent=4, widths=(32, 32)),
    "conv": conv_vae((8, 8, 1), outputs=1, latent=4, channels=(8, 8)),
}
BFLOAT16_EPSILON = 2.0**-8


def setting(name):
    model, images = MODELS[name], jax.random.uniform(jax.random.key(1), (16, 8, 8, 1))
    return model, model.init(jax.random.key(0), images), images


def loss_of(apply, images):
    return lambda params: jnp.mean((apply(params, images)["decoded"][..., 0] - images) ** 2)


def test_float32_is_left_alone():
    model, *_ = setting("mlp")
    assert compute_in("float32", model.apply) == model.apply


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_float32_to_bfloat16s_precision(name):
    model, params, images = setting(name)
    whole = jax.jit(jax.grad(loss_of(model.apply, images)))(params)
    mixed = jax.jit(jax.grad(loss_of(compute_in("bfloat16", model.apply), images)))(params)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(mixed))
    pairs = list(zip(jax.tree.leaves(whole), jax.tree.leaves(mixed), strict=True))
    # XLA on CPU also adds bfloat16 in bfloat16, so the sums over a batch and its pixels that are biases' gradients are
    # coarse there: kernels, whose products it adds in float32, are what is compared
    kernels = [(left, right) for left, right in pairs if left.ndim > 1]
    error = sum(np.sum((left - right) ** 2) for left, right in kernels) ** 0.5
    # up to seven layers forward and backward, each of which rounds its operands and its result by half an epsilon
    assert 0 < error / sum(np.sum(left**2) for left, _ in kernels) ** 0.5 < 14 * BFLOAT16_EPSILON


@pytest.mark.parametrize("name", MODELS)
def test_the_products_are_bfloat16_and_the_results_float32(name):
    model, params, images = setting(name)
    program = str(jax.make_jaxpr(compute_in("bfloat16", model.apply))(params, images))
    products = [line for line in program.splitlines() if "dot_general" in line or "conv_general_dilated" in line]
    assert products
    assert all("bf16" in line.split("=")[0] for line in products if "=" in line)
    results = compute_in("bfloat16", model.apply)(params, images)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(results))
