"""What must hold of denoisers: what they are told matters, they begin at 0, and a U-Net is made of what it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.denoisers import Condition, PointDenoiser, ResidualBlock, UNetDenoiser
from models.layers.signal_ratios import noise_angle

RATIOS, LABELS = jnp.array([0.2, 0.9]), jnp.array([1, 3])


def drawn(model, *given):
    leaves, structure = jax.tree.flatten(model.init(jax.random.key(0), *given))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    draws = [0.3 * jax.random.normal(key, leaf.shape, leaf.dtype) for key, leaf in zip(keys, leaves, strict=True)]
    return structure.unflatten(draws)


@pytest.fixture(params=["points", "images"])
def net(request):
    if request.param == "points":
        return PointDenoiser((8, 8), classes=3), jax.random.normal(jax.random.key(2), (2, 2))
    return UNetDenoiser((4, 8), classes=3), jax.random.normal(jax.random.key(2), (2, 4, 4, 1))


def test_ratio_and_label_matter_and_examples_are_seen_alone(net):
    model, noisy = net
    params = drawn(model, noisy, RATIOS, LABELS)
    apply = jax.jit(model.apply)
    whole = apply(params, noisy, RATIOS, LABELS)
    assert whole.shape == noisy.shape
    for others in ((RATIOS.at[0].set(0.3), LABELS), (RATIOS, LABELS.at[0].set(0))):
        changed = apply(params, noisy, *others)
        assert np.abs(changed - whole)[0].max() > 1e-3
        np.testing.assert_allclose(changed[1], whole[1], atol=1e-5)


def test_it_begins_at_nothing(net):
    model, noisy = net
    params = jax.jit(model.init)(jax.random.key(0), noisy, RATIOS, LABELS)
    np.testing.assert_array_equal(jax.jit(model.apply)(params, noisy, RATIOS, LABELS), 0)


def test_a_net_without_classes_takes_no_labels():
    model, noisy = PointDenoiser((8,)), jnp.ones((2, 1))
    params = model.init(jax.random.key(0), noisy, RATIOS)
    assert "label" not in params["params"]["Condition_0"]


def test_the_condition_is_sines_of_the_angle_through_two_layers():
    model = Condition(4, classes=3)
    params = drawn(model, RATIOS, LABELS)
    own = jax.tree.map(np.asarray, params["params"])
    angle = 1000 * np.asarray(noise_angle(RATIOS))[:, None]
    encoded = np.stack([np.sin(angle), np.cos(angle), np.sin(angle / 100), np.cos(angle / 100)], axis=-1).reshape(2, 4)
    hidden = encoded @ own["Dense_0"]["kernel"] + own["Dense_0"]["bias"]
    hidden = hidden / (1 + np.exp(-hidden))
    expected = (
        hidden @ own["Dense_1"]["kernel"] + own["Dense_1"]["bias"] + own["label"]["embedding"][np.asarray(LABELS)]
    )
    np.testing.assert_allclose(model.apply(params, RATIOS, LABELS), expected, atol=2e-4)  # sines of 1000 in float32


def test_a_residual_block_begins_as_its_shortcut():
    images, told = jax.random.normal(jax.random.key(0), (2, 4, 4, 8)), jnp.ones((2, 6))
    same = ResidualBlock(8)
    np.testing.assert_array_equal(same.apply(same.init(jax.random.key(1), images, told), images, told), images)


def test_the_first_unet_has_its_parameters_by_hand():
    """Of one channel, widths 4 and 8, a condition of 16: all that the docstring lists."""
    model = UNetDenoiser((4, 8))
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 4, 4, 1)), RATIOS[:1])

    def conv(inputs, outputs, size=3):
        return size * size * inputs * outputs + outputs

    def block(inputs, outputs):
        shortcut = conv(inputs, outputs, 1) if inputs != outputs else 0
        return (
            2 * inputs
            + conv(inputs, outputs)
            + 16 * outputs
            + outputs
            + 2 * outputs
            + conv(outputs, outputs)
            + shortcut
        )

    condition = 2 * (16 * 16 + 16)
    down = conv(1, 4) + block(4, 4) + conv(4, 8) + block(8, 8)
    middle = 2 * block(8, 8) + 2 * 8 + (8 * 24 + 24) + (8 * 8 + 8)
    up = block(16, 8) + block(16, 8) + conv(8, 8) + block(12, 4) + block(8, 4)
    out = 2 * 4 + conv(4, 1)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == condition + down + middle + up + out
