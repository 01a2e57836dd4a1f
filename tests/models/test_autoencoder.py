from functools import partial

import jax
import numpy as np
import pytest
from programs import jit_of_draws

from models.autoencoder import CodeHead, conv_autoencoder, mlp_autoencoder


def in_double(params):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)


def test_the_head_is_an_affine_map_its_activation_and_the_largest(float64):
    features = np.random.default_rng(0).normal(size=(6, 4))
    head = CodeHead(5, "tanh", keep=2)
    params = in_double(jit_of_draws(head.init)(jax.random.key(1), features.astype(np.float32)))
    layer, apply = params["params"]["linear"], jax.jit(head.apply)
    whole = np.tanh(features @ layer["kernel"] + layer["bias"])
    threshold = np.sort(np.abs(whole), axis=1)[:, -2:-1]
    expected = np.where(np.abs(whole) >= threshold, whole, 0.0)
    np.testing.assert_allclose(apply(params, features), expected, rtol=1e-12)
    np.testing.assert_array_equal(np.count_nonzero(apply(params, features[None]), axis=-1), np.full((1, 6), 2))


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_the_whole_is_its_parts(kind):
    head, images = CodeHead(3), np.random.default_rng(0).uniform(size=(2, 6, 5, 1)).astype(np.float32)
    if kind == "mlp":
        model = mlp_autoencoder(head, (6, 5, 1), outputs=2, widths=(8, 7), activation="tanh")
    else:
        model = conv_autoencoder(head, (6, 5, 1), outputs=2, channels=(4, 6))
    params = jit_of_draws(model.init)(jax.random.key(1), images)
    encode, decode = (jax.jit(partial(model.apply, method=method)) for method in ("encode", "decode"))
    whole, code = jax.jit(model.apply)(params, images), encode(params, images)
    np.testing.assert_array_equal(whole["code"], code)
    assert whole["decoded"].shape == (2, 6, 5, 1, 2)
    apart = [decode(params, one) for one in np.asarray(code)]
    np.testing.assert_allclose(whole["decoded"], np.stack(apart), rtol=1e-5, atol=1e-6)


def test_codes_may_have_any_leading_axes():
    model = mlp_autoencoder(CodeHead(3), (2, 2, 1), outputs=1, widths=(4,))
    params = jit_of_draws(model.init)(jax.random.key(0), np.zeros((1, 2, 2, 1), np.float32))
    codes = np.random.default_rng(1).normal(size=(5, 4, 3)).astype(np.float32)
    decode = jax.jit(partial(model.apply, method="decode"))
    np.testing.assert_allclose(np.asarray(decode(params, codes))[2], decode(params, codes[2]), rtol=1e-6)
