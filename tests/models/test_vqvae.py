"""The vector-quantised autoencoder's parts against brute force and adjoints, and its laws on images of two shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from programs import jit_of_draws

from models.layers.conv import convolve
from models.vqvae import Doubling, mlp_vqvae, residual_vqvae, uniform_codebook

CASES = {uniform_codebook: Case(lambda rng: (jax.random.key(rng.integers(100)), (5, 3)))}
SHAPES = [(8, 8, 1), (7, 9, 3)]
CODES, DIMENSIONS = 7, 3


def model_of(network, image_shape):
    sizes = {"outputs": 2, "codes": CODES, "dimensions": DIMENSIONS}
    if network == "residual":
        return residual_vqvae(image_shape, layers=2, features=4, **sizes)
    return mlp_vqvae(image_shape, positions=5, widths=(6,), activation="tanh", **sizes)


def quick_jit(function):
    """Compiling is most of the time here."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def normal(*shape, seed=1):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def random_params(module, inputs):
    """Parameters with non-zero biases, in double precision where that is on."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), jax.ShapeDtypeStruct(inputs.shape, jnp.float32))
    leaves, tree = jax.tree.flatten(shapes)
    rng = np.random.default_rng(0)
    return tree.unflatten([jnp.asarray(rng.normal(size=leaf.shape) / np.sqrt(leaf.shape[0])) for leaf in leaves])


def close(actual, expected, tolerance=1e-12):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), actual, expected)


def test_a_codebook_begins_within_its_bounds():
    codebook = uniform_codebook(jax.random.key(0), (500, 40))
    assert codebook.dtype == jnp.float32
    assert np.abs(codebook).max() <= 1 / 500
    np.testing.assert_allclose(np.asarray(codebook).std(), 1 / 500 / 3**0.5, rtol=0.02)


@pytest.mark.parametrize("image_shape", SHAPES, ids=str)
@pytest.mark.parametrize(("network", "positions"), [("mlp", lambda h, w: 5), ("residual", lambda h, w: 2 * h * w)])
def test_every_position_has_the_nearest_code(float64, network, positions, image_shape):
    model, images = model_of(network, image_shape), normal(4, *image_shape)
    params = random_params(model, images)
    vectors, indices, codes = quick_jit(lambda: model.apply(params, images, method="encode"))()
    assert indices.shape == (4, positions(-(-image_shape[0] // 4), -(-image_shape[1] // 4)))
    codebook = np.asarray(params["params"]["codebook"])
    distances = ((np.asarray(vectors)[:, :, None] - codebook) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(indices, distances.argmin(axis=-1))
    np.testing.assert_array_equal(codes, codebook[np.asarray(indices)])
    assert len(np.unique(indices)) > 1


@pytest.mark.parametrize("network", ["mlp", "residual"])
def test_what_is_decoded_is_the_codes(float64, network):
    model, images = model_of(network, (7, 9, 3)), normal(3, 7, 9, 3)
    params = random_params(model, images)

    @quick_jit
    def results():
        result = model.apply(params, images)
        codes = model.apply(params, result["codes"], method="decode")
        return result["decoded"], codes, model.apply(params, result["indices"], method="decode_indices")

    decoded, of_codes, of_indices = results()
    assert decoded.shape == (3, 7, 9, 3, 2)
    close(decoded, of_codes)
    close(of_indices, of_codes)


def test_reconstruction_moves_encoder_and_decoder_but_no_code(float64):
    """And the encoder by the derivative of the decoder at the codes, as if it had given them."""
    model, images = model_of("mlp", (8, 8, 1)), normal(3, 8, 8, 1)
    params = random_params(model, images)

    def loss(params):
        return jnp.sum(model.apply(params, images)["decoded"] ** 2)

    @quick_jit
    def through_the_codes(params):
        vectors, encoder_pullback = jax.vjp(lambda p: model.apply(p, images, method="encode").vectors, params)
        codes = model.apply(params, images, method="encode").codes
        at_codes = jax.grad(lambda c: jnp.sum(model.apply(params, c, method="decode") ** 2))(codes)
        assert vectors.shape == codes.shape
        return encoder_pullback(at_codes)[0]["params"]["encoder"]

    gradient = quick_jit(jax.grad(loss))(params)["params"]
    close(gradient["codebook"], np.zeros((CODES, DIMENSIONS)))
    close(gradient["encoder"], through_the_codes(params), 1e-10)
    assert any(np.any(leaf) for leaf in jax.tree.leaves(gradient["encoder"]))


def test_doubling_is_the_adjoint_of_halving(float64):
    """⟨halve(x), y⟩ = ⟨x, double(y)⟩, and its derivative in the kernel is that of the left side."""
    small, large = normal(2, 3, 5, 4), normal(2, 6, 10, 2, seed=2)
    params = random_params(Doubling(2), small)
    kernel = params["params"]["kernel"]
    unbiased = {"params": {"kernel": kernel, "bias": jnp.zeros(2)}}

    def right(kernel):
        return jnp.sum(large * Doubling(2).apply({"params": {"kernel": kernel, "bias": jnp.zeros(2)}}, small))

    def left(kernel):
        return jnp.sum(convolve(large, kernel, stride=2, padding="SAME") * small)

    (of_right, right_gradient), (of_left, left_gradient) = (
        quick_jit(jax.value_and_grad(side))(kernel) for side in (right, left)
    )
    close(of_right, of_left)
    close(right_gradient, left_gradient, 1e-11)
    double = quick_jit(Doubling(2).apply)
    shifted = np.asarray(double(params, small)) - np.asarray(double(unbiased, small))
    close(shifted, np.broadcast_to(params["params"]["bias"], (2, 6, 10, 2)))


def test_doubling_is_xlas_transposed_convolution(float64):
    small = normal(2, 3, 5, 4)
    params = random_params(Doubling(2), small)
    layer = params["params"]
    expected = jax.lax.conv_transpose(
        small, layer["kernel"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), transpose_kernel=True
    )
    close(Doubling(2).apply(params, small), expected + layer["bias"])


@pytest.mark.parametrize("network", ["mlp", "residual"])
def test_an_image_does_not_depend_on_its_batch_mates(float64, network):
    model, images = model_of(network, (7, 9, 3)), normal(5, 7, 9, 3)
    params = random_params(model, images)
    together, alone = quick_jit(lambda: (model.apply(params, images), model.apply(params, images[2:3])))()
    close(jax.tree.map(lambda leaf: leaf[2:3], together), alone)


def test_the_codebook_starts_uniform_between_plus_and_minus_one_over_its_size():
    model = model_of("mlp", (8, 8, 1))
    init = jit_of_draws(lambda key: model.init(key, jnp.zeros((1, 8, 8, 1)))["params"]["codebook"])
    codebooks = np.stack([init(jax.random.key(seed)) for seed in range(20)])
    assert np.abs(codebooks).max() <= 1 / CODES
    assert abs(np.var(codebooks) * 3 * CODES**2 - 1) < 0.2  # 420 draws: five standard errors are 0.22
