"""Batch normalisation in a network: what it observes in training is what makes inference the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.batch_norm import fixed_statistics
from models.convnets.pattern_net import pattern_net

IMAGES = jnp.asarray(np.random.default_rng(0).normal(size=(8, 8, 8, 1)), jnp.float32)
PATTERN = "CONV 4 stride 2 → BN → RELU → CONV 5 stride 2 → BN → RELU → POOL average all → FC"


@pytest.fixture(scope="module")
def net():
    model = pattern_net(PATTERN, 3, group=4)
    return model, model.init(jax.random.key(0), IMAGES)


def test_in_training_it_observes_the_moments_and_otherwise_uses_them(net):
    """Given the moments of one group, inference on that group is what training computed."""
    model, variables = net
    group = IMAGES[:4]
    trained, observed = model.apply(variables, group, training=True, mutable=["batch_stats"])
    inferred = model.apply({"params": variables["params"], **observed}, group)
    np.testing.assert_allclose(inferred, trained, atol=1e-5)
    assert not np.allclose(inferred, model.apply(variables, group), atol=1e-2)


def test_groups_do_not_see_each_other(net):
    model, variables = net
    whole = model.apply(variables, IMAGES, training=True, mutable=["batch_stats"])[0]
    changed = model.apply(variables, IMAGES.at[4:].power(2), training=True, mutable=["batch_stats"])[0]
    np.testing.assert_allclose(changed[:4], whole[:4], atol=1e-6)
    assert not np.allclose(changed[4:], whole[4:], atol=1e-3)


def test_without_a_group_the_whole_batch_is_one(net):
    _, variables = net
    whole, eight = (
        pattern_net(PATTERN, 3, group=group).apply(variables, IMAGES, training=True, mutable=["batch_stats"])
        for group in (0, 8)
    )
    jax.tree.map(np.testing.assert_array_equal, whole, eight)


def test_fixed_statistics_are_what_training_normalises_by(net):
    """All fixed, training is inference; one fixed, only that one observes nothing new."""
    model, variables = net
    moved = variables | {"batch_stats": jax.tree.map(lambda leaf: leaf + 0.3, variables["batch_stats"])}

    free = model.apply(moved, IMAGES, training=True, mutable=["batch_stats"])
    with fixed_statistics(lambda path: True):
        fixed, observed = model.apply(moved, IMAGES, training=True, mutable=["batch_stats"])
    np.testing.assert_allclose(fixed, model.apply(moved, IMAGES), atol=1e-6)
    jax.tree.map(np.testing.assert_array_equal, observed["batch_stats"], moved["batch_stats"])
    with fixed_statistics(lambda path: path == "features_1"):
        one, observed = model.apply(moved, IMAGES, training=True, mutable=["batch_stats"])
    np.testing.assert_array_equal(
        observed["batch_stats"]["features_1"]["mean"], moved["batch_stats"]["features_1"]["mean"]
    )
    assert not np.array_equal(observed["batch_stats"]["features_4"]["mean"], moved["batch_stats"]["features_4"]["mean"])
    assert not np.allclose(one, fixed, atol=1e-3)
    assert not np.allclose(one, free[0], atol=1e-3)
