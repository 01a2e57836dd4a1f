"""The variational autoencoder's parts against NumPy, and its laws on images of several shapes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from models.autoencoder import ConvDecoder, ConvEncoder, MLPDecoder, MLPEncoder
from models.vae import Gaussian, GaussianHead, conv_vae, mlp_vae, sample_gaussian

SHAPES = [(8, 8, 1), (28, 28, 1), (7, 9, 3)]
DRAWS = 20_000


def vae(network, image_shape, outputs=2):
    options = {"outputs": outputs, "latent": 3}
    if network == "conv":
        return conv_vae(image_shape, channels=(3, 4), **options)
    return mlp_vae(image_shape, widths=(6, 5), activation="tanh", **options)


def quick_jit(function, **options):
    """Compiling is most of the time here."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0}, **options)


def random_params(module, inputs):
    """Parameters with non-zero biases, in double precision where that is on."""
    inputs = jax.ShapeDtypeStruct(inputs.shape, jnp.float32)
    leaves, tree = jax.tree.flatten(jax.eval_shape(module.init, jax.random.key(0), inputs))
    rng = np.random.default_rng(0)
    return tree.unflatten([jnp.asarray(rng.normal(size=leaf.shape) / np.sqrt(leaf.shape[0])) for leaf in leaves])


def normal(*shape):
    return jnp.asarray(np.random.default_rng(1).normal(size=shape))


def close(actual, expected, tolerance=1e-12):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), actual, expected)


def affine(inputs, layer):
    return inputs @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])


def test_samples_have_the_gaussians_moments(float64):
    """Within five standard errors: of a mean σ/√K, of a variance σ²√(2/K)."""
    gaussian = Gaussian(jnp.asarray([0.5, -2.0, 10.0]), jnp.asarray([-3.0, 0.0, 2.0]))
    draws = jax.vmap(sample_gaussian, (0, None))(jax.random.split(jax.random.key(0), DRAWS), gaussian)
    variance = np.exp(gaussian.log_variance)
    assert (np.abs(draws.mean(0) - gaussian.mean) < 5 * np.sqrt(variance / DRAWS)).all()
    assert (np.abs(draws.var(0) / variance - 1) < 5 * np.sqrt(2 / DRAWS)).all()
    correlation = np.corrcoef(draws.T) - np.eye(3)
    assert (np.abs(correlation) < 5 / np.sqrt(DRAWS)).all()


def test_samples_are_differentiable_in_mean_and_log_variance(float64):
    """∂z/∂m = 1 and ∂z/∂s = ½ exp(s/2) ε, where ε is the draw at m = 0, s = 0."""
    key, gaussian = jax.random.key(0), Gaussian(normal(4), 2 * normal(4))
    noise = sample_gaussian(key, Gaussian(jnp.zeros(4), jnp.zeros(4)))
    gradient = jax.jit(jax.jacobian(lambda g: sample_gaussian(key, g)))(gaussian)
    close(gradient.mean, np.eye(4))
    close(gradient.log_variance, np.diag(0.5 * np.exp(gaussian.log_variance / 2) * noise))


def test_mlp_encoder_is_numpys(float64):
    images, encoder = normal(5, 2, 3, 2), MLPEncoder(GaussianHead(3), (4,), "tanh")
    params = random_params(encoder, images)
    layers = params["params"]
    hidden = np.tanh(affine(np.asarray(images).reshape(5, 12), layers["MLP_0"]["Dense_0"]))
    expected = Gaussian(*np.split(affine(hidden, layers["head"]["Dense_0"]), 2, axis=1))
    close(quick_jit(encoder.apply)(params, images), expected)


def test_mlp_decoder_is_numpys(float64):
    latents, decoder = normal(5, 3), MLPDecoder((2, 3, 1), 4, (6,), "tanh")
    params = random_params(decoder, latents)
    hidden = np.tanh(affine(np.asarray(latents), params["params"]["MLP_0"]["Dense_0"]))
    close(quick_jit(decoder.apply)(params, latents), affine(hidden, params["params"]["Dense_0"]).reshape(5, 2, 3, 1, 4))


@partial(quick_jit, static_argnames="stride")
def lax_convolution(images, layer, stride=1):
    layout = ("NHWC", "HWIO", "NHWC")
    result = jax.lax.conv_general_dilated(images, layer["kernel"], (stride, stride), "SAME", dimension_numbers=layout)
    return result + layer["bias"]


def test_conv_encoder_is_strided_convolutions_then_dense_layers(float64):
    images, encoder = normal(2, 7, 6, 2), ConvEncoder(GaussianHead(3), (4, 5), width=6)
    params = random_params(encoder, images)
    hidden, layers = images, params["params"]
    for name in ("Conv_0", "Conv_1"):
        hidden = np.maximum(lax_convolution(hidden, layers[name], stride=2), 0)
    hidden = np.maximum(affine(np.asarray(hidden).reshape(2, -1), layers["MLP_0"]["Dense_0"]), 0)
    expected = Gaussian(*np.split(affine(hidden, layers["head"]["Dense_0"]), 2, axis=1))
    close(quick_jit(encoder.apply)(params, images), expected)


def test_conv_decoder_is_dense_layers_then_doublings_and_convolutions_cropped(float64):
    latents, decoder = normal(2, 3), ConvDecoder((7, 6, 2), 3, (4, 5), width=6)
    params = random_params(decoder, latents)
    hidden, layers = np.asarray(latents), params["params"]
    for name in ("Dense_0", "Dense_1"):
        hidden = np.maximum(affine(hidden, layers["MLP_0"][name]), 0)
    hidden = hidden.reshape(2, 2, 2, 5)
    for name in ("Conv_0", "Conv_1"):
        doubled = np.kron(hidden, np.ones((1, 2, 2, 1)))
        hidden = np.maximum(lax_convolution(doubled, layers[name]), 0)
    expected = np.asarray(lax_convolution(hidden[:, :7, :6], layers["Conv_2"])).reshape(2, 7, 6, 2, 3)
    close(quick_jit(decoder.apply)(params, latents), expected)


def test_encoder_and_decoder_of_an_mlp_vae_mirror_each_other():
    params = jax.eval_shape(vae("mlp", (8, 8, 1)).init, jax.random.key(0), jnp.zeros((1, 8, 8, 1)))["params"]
    kernels = {part: [leaf.shape for leaf in jax.tree.leaves(params[part]) if len(leaf.shape) == 2] for part in params}
    assert sorted(kernels["encoder"]) == sorted([(64, 6), (6, 5), (5, 6)])
    assert sorted(kernels["decoder"]) == sorted([(3, 5), (5, 6), (6, 128)])


def test_activation_of_an_mlp_vae_is_used_on_both_sides(float64):
    images, latents = normal(2, 8, 8, 1), normal(2, 3)
    params = random_params(vae("mlp", (8, 8, 1)), images)
    encoder, decoder = MLPEncoder(GaussianHead(3), (6, 5), "tanh"), MLPDecoder((8, 8, 1), 2, (5, 6), "tanh")
    for method, part, inputs in (("encode", encoder, images), ("decode", decoder, latents)):
        expected = part.apply({"params": params["params"][f"{method}r"]}, inputs)
        close(vae("mlp", (8, 8, 1)).apply(params, inputs, method=method), expected)


@pytest.mark.parametrize("image_shape", SHAPES, ids=str)
@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_decodes_to_the_image_and_learns_it(network, image_shape):
    """Ten steps of Adam on the squared error of one batch take away a tenth at least."""
    model, images = vae(network, image_shape, outputs=1), jnp.abs(normal(4, *image_shape))
    params, optimizer = random_params(model, images), optax.adam(1e-2)

    def loss(params):
        decoded = model.apply(params, images)["decoded"]
        assert decoded.shape == (4, *image_shape, 1)
        return jnp.mean((decoded[..., 0] - images) ** 2)

    def step(carry, _):
        params, state = carry
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(params, updates), state), value

    losses = quick_jit(lambda start: jax.lax.scan(step, (start, optimizer.init(start)), None, 10)[1])(params)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_an_image_does_not_depend_on_its_batch_mates(float64, network):
    model, images = vae(network, (7, 9, 3)), normal(5, 7, 9, 3)
    params = random_params(model, images)
    together, alone = quick_jit(lambda: (model.apply(params, images), model.apply(params, images[2:3])))()
    close(jax.tree.map(lambda leaf: leaf[2:3], together), alone)


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_leading_axes_are_a_reshape(float64, network):
    model, images = vae(network, (7, 9, 3)), normal(2, 3, 7, 9, 3)
    params = random_params(model, images)
    forms = images, images.reshape(6, 7, 9, 3), images[1, 2]
    nested, flat, single = quick_jit(lambda: [model.apply(params, form) for form in forms])()
    close(nested, jax.tree.map(lambda leaf: leaf.reshape(2, 3, *leaf.shape[1:]), flat))
    close(single, jax.tree.map(lambda leaf: leaf[5], flat))


def test_reconstruction_is_the_decoded_posterior_mean(float64):
    model, images = vae("mlp", (8, 8, 1)), normal(2, 8, 8, 1)
    params = random_params(model, images)
    result, posterior = model.apply(params, images), model.apply(params, images, method="encode")
    close((result["mean"], result["log_variance"]), tuple(posterior))
    close(result["decoded"], model.apply(params, posterior.mean, method="decode"))


def test_mean_and_log_variance_are_separate_maps(float64):
    features = normal(4)
    params = random_params(GaussianHead(3), features)
    changed = jax.tree.map(lambda leaf: leaf.at[..., 3:].set(0.0), params)
    before, after = (GaussianHead(3).apply(p, features) for p in (params, changed))
    close(after, Gaussian(before.mean, jnp.zeros(3)))
