import jax
import jax.numpy as jnp
import numpy as np
from cases import Case
from flax import linen as nn

from models.layers.weight_norm import unit_norms, weight_normalized

CASES = {
    unit_norms: Case(lambda rng: (rng.normal(size=(3, 2, 4)),)),
    weight_normalized: Case(lambda rng: (rng.normal(size=(3, 2, 4)), rng.normal(size=(4,)))),
}


def test_a_unit_has_the_length_of_its_gain_and_the_direction_of_its_weights(float64):
    rng = np.random.default_rng(0)
    direction, gain = rng.normal(size=(5, 3, 4)), rng.uniform(0.5, 2, 4)
    kernel = np.asarray(weight_normalized(jnp.asarray(direction), jnp.asarray(gain)))
    for unit in range(4):
        np.testing.assert_allclose(np.linalg.norm(kernel[..., unit]), gain[unit], rtol=1e-14)
        ratios = kernel[..., unit] / direction[..., unit]
        np.testing.assert_allclose(ratios, ratios.ravel()[0], rtol=1e-13)
        assert ratios.ravel()[0] > 0


def test_it_is_that_of_flax(float64):
    double = {"dtype": jnp.float64, "param_dtype": jnp.float64}
    convolution = nn.Conv(4, (3,), padding="VALID", use_bias=False, **double)
    layer = nn.WeightNorm(convolution, epsilon=0.0, **double)
    rng = np.random.default_rng(1)
    inputs = jnp.asarray(rng.normal(size=(2, 7, 5)))
    params = layer.init(jax.random.key(0), inputs)["params"]
    direction, gain = jnp.asarray(rng.normal(size=(3, 5, 4))), jnp.asarray(rng.normal(size=4))
    names = {"/".join(str(key.key) for key in path) for path, _ in jax.tree_util.tree_leaves_with_path(params)}
    assert len(names) == 2
    given = jax.tree.map(lambda leaf: gain if leaf.ndim == 1 else direction, params)
    kernel = weight_normalized(direction, gain)
    expected = jax.lax.conv_general_dilated(inputs, kernel, (1,), "VALID", dimension_numbers=("NHC", "HIO", "NHC"))
    np.testing.assert_allclose(layer.apply({"params": given}, inputs), expected, rtol=1e-12)


def test_the_gradient_of_the_direction_is_at_right_angles_to_it(float64):
    """Section 2.1: the length of v never falls under plain gradient descent."""
    rng = np.random.default_rng(2)
    direction, gain, weights = (jnp.asarray(rng.normal(size=shape)) for shape in ((6, 3), (3,), (6, 3)))
    gradient = jax.grad(lambda v: jnp.sum(jnp.sin(weight_normalized(v, gain) * weights)))(direction)
    np.testing.assert_allclose(jnp.sum(gradient * direction, axis=0), 0, atol=1e-14)
    assert jnp.abs(gradient).min() > 0
