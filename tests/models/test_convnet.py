import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.convnet import ConvNet

IMAGES = jnp.asarray(np.random.default_rng(0).normal(size=(8, 8, 8, 1)), jnp.float32)


@pytest.fixture(scope="module")
def net():
    model = ConvNet(classes=3, channels=(4, 5), group=4)
    return model, model.init(jax.random.key(0), IMAGES)


def test_its_parameters_are_those_of_the_formulas(net):
    """Kernels without bias, two vectors a normalisation, and the classifier; statistics stand beside them."""
    _, variables = net
    counted = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    assert counted == 9 * 1 * 4 + 2 * 4 + 9 * 4 * 5 + 2 * 5 + 5 * 3 + 3
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["batch_stats"])) == 2 * (4 + 5)


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
