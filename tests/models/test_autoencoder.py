import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.autoencoder import CodeHead, conv_autoencoder, mlp_autoencoder


def in_double(params):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params)


def test_the_head_is_an_affine_map_its_activation_and_the_largest(float64):
    features = jax.random.normal(jax.random.key(0), (6, 4))
    head = CodeHead(5, "tanh", keep=2)
    params = in_double(head.init(jax.random.key(1), features.astype(jnp.float32)))
    layer = params["params"]["linear"]
    whole = np.tanh(np.asarray(features @ layer["kernel"] + layer["bias"]))
    threshold = np.sort(np.abs(whole), axis=1)[:, -2:-1]
    expected = np.where(np.abs(whole) >= threshold, whole, 0.0)
    np.testing.assert_allclose(head.apply(params, features), expected, rtol=1e-12)
    np.testing.assert_array_equal(np.count_nonzero(head.apply(params, features[None]), axis=-1), np.full((1, 6), 2))


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_the_whole_is_its_parts(kind):
    head, images = CodeHead(3), jax.random.uniform(jax.random.key(0), (2, 6, 5, 1))
    if kind == "mlp":
        model = mlp_autoencoder(head, (6, 5, 1), outputs=2, widths=(8, 7), activation="tanh")
    else:
        model = conv_autoencoder(head, (6, 5, 1), outputs=2, channels=(4, 6))
    params = model.init(jax.random.key(1), images)
    whole = model.apply(params, images)
    code = model.apply(params, images, method="encode")
    np.testing.assert_array_equal(whole["code"], code)
    assert whole["decoded"].shape == (2, 6, 5, 1, 2)
    apart = [model.apply(params, one, method="decode") for one in code]
    np.testing.assert_allclose(whole["decoded"], jnp.stack(apart), rtol=1e-5, atol=1e-6)


def test_codes_may_have_any_leading_axes():
    model = mlp_autoencoder(CodeHead(3), (2, 2, 1), outputs=1, widths=(4,))
    params = model.init(jax.random.key(0), jnp.zeros((1, 2, 2, 1)))
    codes = jax.random.normal(jax.random.key(1), (5, 4, 3))
    decoded = model.apply(params, codes, method="decode")
    np.testing.assert_allclose(decoded[2], model.apply(params, codes[2], method="decode"), rtol=1e-6)
