"""Instance normalisation is NumPy's, sizes are kept whatever they are, and contrast is not seen."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from models.transformation import InstanceNorm, ReflectedConv, TransformationNet

SMALL = {"widths": (2, 3, 4), "blocks": 1}


def drawn(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(size=shape), jnp.float32)


def test_instance_normalization_is_over_the_pixels_of_each_channel_of_each_image():
    images = 3 * drawn(2, 5, 4, 3) - 1
    scale, bias = drawn(3, seed=1), drawn(3, seed=2)
    found = InstanceNorm().apply({"params": {"scale": scale, "bias": bias}}, images)
    for n in range(2):
        for c in range(3):
            values = np.asarray(images[n, :, :, c], np.float64)
            expected = scale[c] * (values - values.mean()) / np.sqrt(values.var() + 1e-5) + bias[c]
            np.testing.assert_allclose(found[n, :, :, c], expected, atol=1e-5)


@pytest.mark.parametrize(("window", "stride"), [(9, 1), (3, 2), (3, 1)])
def test_a_convolution_sees_a_reflection_beyond_the_edge(window, stride):
    images = drawn(1, 11, 8, 2)
    layer = ReflectedConv(3, window, stride)
    params = layer.init(jax.random.key(0), images)
    kernel = np.asarray(params["params"]["Conv_0"]["kernel"])
    margin = window // 2
    framed = np.pad(np.asarray(images[0]), [(margin, margin), (margin, margin), (0, 0)], mode="reflect")
    expected = np.stack([correlate(framed, kernel[..., o], mode="valid")[..., 0] for o in range(3)], axis=-1)
    np.testing.assert_allclose(layer.apply(params, images)[0], expected[::stride, ::stride], atol=1e-5)


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (13, 7), (5, 30), (1, 1), (2, 3)])
def test_an_image_keeps_its_size_and_its_range(size, normalized):
    net = TransformationNet(**SMALL, normalized=normalized)
    params = net.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    images = drawn(2, *size, 3)
    found = net.apply(params, images)
    assert found.shape == images.shape
    assert 0 < found.min() <= found.max() < 1
    assert min(size) < 4 or not np.allclose(found[0], found[1])


def test_images_do_not_see_each_other():
    net = TransformationNet(**SMALL)
    images = drawn(3, 9, 10, 3)
    params = net.init(jax.random.key(0), images)
    together = net.apply(params, images)
    np.testing.assert_allclose(net.apply(params, images[1:2])[0], together[1], atol=1e-5)


def test_contrast_is_not_seen_with_instance_normalization():
    """But for the little that is added to the variance: of a fainter image the same picture is made."""
    images = drawn(1, 12, 12, 3)
    faint = 0.5 + 0.3 * (images - 0.5)
    for normalized in (True, False):
        net = TransformationNet(**SMALL, normalized=normalized)
        params = net.init(jax.random.key(0), images)
        apart = np.abs(net.apply(params, images) - net.apply(params, faint)).max()
        assert (apart < 0.01) == normalized


def test_an_image_of_odd_sides_is_what_its_reflected_continuation_is():
    net = TransformationNet(**SMALL)
    images = drawn(1, 10, 7, 3)
    params = net.init(jax.random.key(0), images)
    whole = jnp.pad(images, [(0, 0), (0, 2), (0, 1), (0, 0)], mode="reflect")
    np.testing.assert_allclose(net.apply(params, images), net.apply(params, whole)[:, :10, :7], atol=1e-6)
    np.testing.assert_array_equal(whole[0, 10:, :7], images[0, [8, 7]])


def test_the_papers_size():
    """Without biases before normalisations it would have fewer; counted by hand, 9·9·3·32 + 32 and so on."""
    shapes = jax.eval_shape(TransformationNet().init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    convolutions = [(9, 3, 32), (3, 32, 64), (3, 64, 128), *[(3, 128, 128)] * 10, (3, 128, 64), (3, 64, 32), (9, 32, 3)]
    normalized = [outputs for *_, outputs in convolutions[:-1]]
    expected = sum(w * w * i * o + o for w, i, o in convolutions) + 2 * sum(normalized)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == expected
