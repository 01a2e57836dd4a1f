"""What generators and discriminators promise: packs, groups, shapes, and kernels of norm one from step 0 on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.gan import ConvDiscriminator, ConvGenerator, DenseDiscriminator, DenseGenerator, Judgement
from models.layers.transposed_conv import convolve_transposed
from models.spectral import SpectrallyNormalized

INIT = jax.nn.initializers.he_normal()
KEY = jax.random.key(0)
POINTS = jnp.asarray(np.random.default_rng(0).normal(size=(8, 2)), jnp.float32)
IMAGES = jnp.asarray(np.random.default_rng(1).uniform(size=(4, 8, 8, 1)), jnp.float32)


def judgement(minibatch="none", packing=1, group=0):
    return Judgement(minibatch, group, packing, INIT)


def dense(pieces=1, **judged):
    return DenseDiscriminator((16, 12), pieces, judgement(**judged), INIT)


def test_a_maxout_discriminator_is_its_formula():
    model = dense(pieces=5)
    params = model.init(KEY, POINTS)["params"]
    assert params["Dense_0"]["kernel"].shape == (2, 80)
    hidden = np.asarray(POINTS)
    for layer in ("Dense_0", "Dense_1"):
        z = hidden @ np.asarray(params[layer]["kernel"]) + np.asarray(params[layer]["bias"])
        hidden = z.reshape(len(z), -1, 5).max(axis=-1)
    last = params["judge"]["Dense_0"]
    expected = (hidden @ np.asarray(last["kernel"]) + np.asarray(last["bias"]))[:, 0]
    np.testing.assert_allclose(jax.jit(model.apply)({"params": params}, POINTS), expected, rtol=1e-5)


def test_a_pack_is_judged_as_one_and_does_not_see_the_others():
    model = dense(packing=4)
    judge = jax.jit(lambda points: model.apply(variables, points))
    variables = model.init(KEY, POINTS)
    judged = judge(POINTS)
    assert len(set(judged.tolist())) == 2
    np.testing.assert_array_equal(judged, jnp.repeat(judged[::4], 4))
    changed = judge(POINTS.at[1].add(1.0))
    assert changed[0] != judged[0]
    np.testing.assert_array_equal(changed[4:], judged[4:])


@pytest.mark.parametrize("minibatch", ["deviation", "closeness"])
def test_what_is_seen_of_a_minibatch_tells_a_collapse_in_its_group(minibatch):
    """A point is judged otherwise among equal ones than among others, and not by what another group holds."""
    model = dense(minibatch=minibatch, group=4)
    variables = model.init(KEY, POINTS)
    judge = jax.jit(lambda points: model.apply(variables, points))
    collapsed = jnp.concatenate([jnp.repeat(POINTS[:1], 4, axis=0), POINTS[4:]])
    assert abs(judge(POINTS)[0] - judge(collapsed)[0]) > 1e-4
    np.testing.assert_allclose(judge(POINTS)[4:], judge(collapsed)[4:], rtol=1e-6)


@pytest.mark.parametrize("make", [
    lambda: (dense(pieces=2, minibatch="closeness"), POINTS),
    lambda: (ConvDiscriminator((4, 6), True, 0, judgement(), INIT), IMAGES),
], ids=["dense", "convolution"])  # fmt: skip
def test_kernels_have_norm_one_from_step_0_on(make):
    """The network itself with kernels that NumPy has divided says the same; vectors of another kernel follow it."""
    network, examples = make()
    model = SpectrallyNormalized(network)
    variables = model.init(KEY, examples)
    kept = ["spectral", "batch_stats"]
    apply = jax.jit(lambda variables, x: model.apply(variables, x, training=True, mutable=kept))

    def divided(leaf):
        if leaf.ndim < 2:
            return leaf
        return leaf / np.linalg.svd(np.asarray(leaf).reshape(-1, leaf.shape[-1]), compute_uv=False)[0]

    def plain(variables):
        own = {name: tree for name, tree in variables.items() if name != "spectral"}
        own["params"] = jax.tree.map(divided, own["params"])
        return network.apply(own, examples, training=True, mutable=["batch_stats"])[0]

    judged, state = apply(variables, examples)
    np.testing.assert_allclose(judged, plain(variables), rtol=2e-4, atol=2e-5)
    assert set(state) == {"spectral"} | (variables.keys() & {"batch_stats"})
    moved = variables | {"params": jax.tree.map(lambda leaf: leaf + 0.3 * jnp.cos(leaf * 9), variables["params"])}
    for _ in range(200):
        judged, state = apply(moved, examples)
        moved |= {"spectral": state["spectral"]}
    np.testing.assert_allclose(judged, plain(moved), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(model.apply(moved, examples, training=False).shape, judged.shape)


def test_a_slope_is_the_bound_of_what_the_logits_can_rise():
    """Between any two points, and it is the network's of slope 1 that many times."""
    models = {slope: SpectrallyNormalized(dense(), slope) for slope in (1.0, 16.0)}
    variables = models[1.0].init(KEY, POINTS)
    logits = {slope: np.asarray(model.apply(variables, POINTS)) for slope, model in models.items()}
    np.testing.assert_allclose(logits[16.0], 16 * logits[1.0], rtol=1e-6)
    trained, _ = models[16.0].apply(variables, POINTS, training=True, mutable=["spectral"])
    np.testing.assert_allclose(trained, logits[16.0], rtol=1e-6)
    apart = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1) + np.eye(len(POINTS))
    assert (np.abs(np.subtract.outer(logits[16.0], logits[16.0])) / apart).max() < 16


def test_a_generator_of_images_doubles_its_maps():
    """DCGAN's sizes, and each layer as the transposed convolution of the one before."""
    model = ConvGenerator((6, 4), (8, 8, 1), 0, INIT, INIT)
    latents = jax.random.normal(KEY, (5, 3))
    variables = model.init(KEY, latents)
    params = variables["params"]
    assert params["Dense_0"]["kernel"].shape == (3, 2 * 2 * 6)
    images = model.apply(variables, latents)
    assert images.shape == (5, 8, 8, 1)
    assert 0 <= images.min() <= images.max() <= 1
    hidden = (latents @ params["Dense_0"]["kernel"]).reshape(5, 2, 2, 6) / np.sqrt(1 + 1e-5)
    hidden = convolve_transposed(jax.nn.relu(hidden), params["kernel_0"], stride=2, padding=((1, 1), (1, 1)))
    hidden = convolve_transposed(
        jax.nn.relu(hidden / np.sqrt(1 + 1e-5)), params["kernel_1"], stride=2, padding=((1, 1), (1, 1))
    )
    np.testing.assert_allclose(images, (1 + jnp.tanh(hidden)) / 2, rtol=1e-4)
    with pytest.raises(ValueError, match="images of 10×8 cannot be halved 2 times"):
        jax.eval_shape(ConvGenerator((6, 4), (10, 8, 1), 0, INIT, INIT).init, KEY, latents)


def test_a_generator_of_points_normalises_in_training_and_by_running_statistics_later():
    model = DenseGenerator((8, 8), 2, 4, INIT)
    latents = jax.random.normal(KEY, (8, 3))
    variables = model.init(KEY, latents)
    points, state = model.apply(variables, latents, training=True, mutable=["batch_stats"])
    alone, _ = model.apply(variables, latents[:4], training=True, mutable=["batch_stats"])
    np.testing.assert_allclose(points[:4], alone, rtol=1e-5, atol=1e-6)
    assert state["batch_stats"]["BatchNorm_0"]["mean"].shape == (8,)
    np.testing.assert_allclose(
        model.apply(variables, latents)[:1], model.apply(variables, latents[:1]), rtol=1e-5, atol=1e-6
    )
