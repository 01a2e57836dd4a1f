"""An image pyramid is the single map of every scale; a pyramid's maps by NumPy; what speaks sees its own cell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.feature_maps import feature_maps
from models.feature_pyramids import ImagePyramid, SingleMap, StagePyramid
from models.layers.pyramid import image_at_scale
from models.yolo import objectness_bias

OPTIONS = {"classes": 3, "widths": (4, 4, 6, 8), "features": 8}
FORMS = {
    "image_pyramid": ImagePyramid(**OPTIONS),
    "single_map": SingleMap(**OPTIONS, anchors=3),
    "hierarchy": StagePyramid(**OPTIONS, merged=False),
    "feature_pyramid": StagePyramid(**OPTIONS, merged=True),
}


@pytest.fixture(scope="module")
def images():
    return jnp.asarray(np.random.default_rng(0).random((2, 32, 48, 1)), jnp.float32)


def started(model, images):
    """Its variables, moved away from where they start."""
    return jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
        jax.jit(model.init)(jax.random.key(0), images),
    )


def test_an_image_pyramid_is_the_single_map_of_every_scale(images):
    pyramid, single = FORMS["image_pyramid"], SingleMap(**OPTIONS, anchors=1)
    variables = started(pyramid, images)
    own = {"params": variables["params"]["single"]}
    said = pyramid.apply(variables, images)
    assert [each.shape[1:3] for each in said] == [(2, 3), (4, 6), (8, 12)]
    for octave, each in zip((-1, 0, 1), said, strict=True):
        np.testing.assert_array_equal(each, single.apply(own, image_at_scale(images, octave=octave))[0])


@pytest.mark.parametrize("name", FORMS)
def test_slots_are_those_of_the_same_levels_and_begin_at_the_prior(name, images):
    model = FORMS[name]
    said = model.apply(jax.jit(model.init)(jax.random.key(0), images), images)
    shapes = [(2, 4, 6, 3, 8)] if name == "single_map" else [(2, s * 2, s * 3, 1, 8) for s in (1, 2, 4)]
    assert [each.shape for each in said] == shapes
    for each in said:
        np.testing.assert_allclose(jax.nn.sigmoid(each[..., 4]), 0.01, atol=5e-3)


def test_forms_have_similarly_many_parameters(images):
    counts = {
        name: sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(model.init, jax.random.key(0), images)))
        for name, model in FORMS.items()
    }
    assert counts["hierarchy"] == counts["feature_pyramid"]
    assert max(counts.values()) < 2 * min(counts.values())


def test_maps_of_a_feature_pyramid_are_sums_of_what_is_coarser(images):
    """With lateral convolutions that are the identity and smoothing ones that take the centre, by NumPy."""
    options = OPTIONS | {"widths": (4, 8, 8, 8)}
    model = StagePyramid(**options, merged=True)
    variables = started(model, images)
    centre = np.zeros((3, 3, 8, 8), np.float32)
    centre[1, 1] = np.eye(8)
    for level in (2, 3, 4):
        variables["params"][f"lateral{level}"] = {"kernel": jnp.eye(8)[None, None], "bias": jnp.zeros(8)}
        variables["params"][f"smoothed{level}"]["Conv_0"] = {"kernel": jnp.asarray(centre), "bias": jnp.zeros(8)}
        variables["params"][f"smoothed{level}"]["GroupNorm_0"] = {"scale": jnp.ones(8), "bias": jnp.zeros(8)}
    shown = feature_maps(model, variables, images)
    coarser = 0
    for level, stage in ((4, 3), (3, 2), (2, 1)):
        merged = np.asarray(shown[f"trunk/stage{stage}"]) + coarser
        groups = merged.reshape(2, -1, 2, 4)  # of four channels each
        normal = (groups - groups.mean(axis=(1, 3), keepdims=True)) / np.sqrt(
            groups.var(axis=(1, 3), keepdims=True) + 1e-5
        )
        expected = np.maximum(normal.reshape(merged.shape), 0)
        np.testing.assert_allclose(shown[f"smoothed{level}"], expected, atol=2e-4)
        coarser = merged.repeat(2, axis=1).repeat(2, axis=2)


def test_the_prior_is_that_of_every_anchor():
    bias = objectness_bias(0.2, 3)(jax.random.key(0), (3 * 7,)).reshape(3, 7)
    np.testing.assert_allclose(jax.nn.sigmoid(bias[:, 4]), 0.2, rtol=1e-6)
    assert (np.delete(bias, 4, axis=1) == 0).all()
