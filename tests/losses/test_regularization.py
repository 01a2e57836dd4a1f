"""Penalties against norms by NumPy, their derivatives, and the weights that scikit-learn's ridge and lasso find."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.linear_model
from cases import Case

from losses.regression import squared_error
from losses.regularization import is_kernel, l1_penalty, l2_penalty

DENSE_LAYER = Case(lambda rng: ({"dense": {"kernel": rng.normal(size=(3, 2)), "bias": rng.normal(size=2)}},))
CASES = {l1_penalty: DENSE_LAYER, l2_penalty: DENSE_LAYER}

pytestmark = pytest.mark.usefixtures("float64")


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


@pytest.fixture
def params():
    rng = np.random.default_rng(0)
    shapes = {"dense": {"kernel": (3, 2), "bias": (2,)}, "conv": {"kernel": (2, 2, 3, 4), "bias": (4,)}, "scale": ()}
    return jax.tree.map(lambda shape: jnp.asarray(rng.normal(size=shape)), shapes, is_leaf=lambda s: type(s) is tuple)


def kernels_of(params):
    return np.concatenate([np.ravel(params[layer]["kernel"]) for layer in ("dense", "conv")])


def test_penalties_are_norms_of_the_kernels_by_hand():
    params = {"kernel": jnp.asarray([[3.0, -4.0], [0.0, 1.0]]), "bias": jnp.asarray([100.0, -100.0])}
    assert (l1_penalty(params), l2_penalty(params)) == (8.0, 13.0)


def test_penalties_are_numpys_norms_of_all_kernels_and_of_nothing_else(params):
    close(l1_penalty(params), np.linalg.norm(kernels_of(params), 1))
    close(l2_penalty(params), np.linalg.norm(kernels_of(params)) ** 2 / 2)


def test_derivatives_are_signs_and_weights_for_kernels_and_zero_for_biases(params):
    def expected(of_kernel):
        return jax.tree.map(lambda leaf: of_kernel(leaf) if is_kernel(leaf) else np.zeros(leaf.shape), params)

    jax.tree.map(np.testing.assert_array_equal, jax.jit(jax.grad(l1_penalty))(params), expected(np.sign))
    jax.tree.map(np.testing.assert_array_equal, jax.jit(jax.grad(l2_penalty))(params), expected(np.asarray))


@pytest.mark.parametrize("penalty", [l1_penalty, l2_penalty])
def test_weights_of_zero_are_left_where_they_are(penalty):
    np.testing.assert_array_equal(jax.grad(penalty)(jnp.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("penalty", [l1_penalty, l2_penalty])
def test_the_predicate_chooses_the_leaves(params, penalty):
    only_conv = penalty(params, penalized=lambda leaf: leaf.ndim == 4)
    close(only_conv, penalty({"kernel": params["conv"]["kernel"]}))
    everything = penalty(params, penalized=lambda leaf: True)
    vector = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(params)])
    close(everything, penalty(vector[:, None]))


@pytest.mark.parametrize("penalty", [l1_penalty, l2_penalty])
def test_a_penalty_of_nothing_is_refused(penalty):
    with pytest.raises(ValueError, match=r"nothing to penalise among parameters of shapes \[\(2,\)\]"):
        penalty({"bias": jnp.ones(2)})


def regression():
    """Thirty examples of four inputs, of which two matter, and an intercept."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 4))
    return x, x @ [1.5, 0.0, -2.0, 0.0] + 3.0 + 0.1 * rng.normal(size=30)


def objective(penalty, weight):
    """½ mean squared error + weight · penalty, of a linear model with an intercept."""
    x, y = regression()

    def value(params):
        predicted = jnp.asarray(x) @ params["kernel"][:, 0] + params["bias"][0]
        return 0.5 * jnp.mean(jax.vmap(squared_error)(predicted, jnp.asarray(y))) + weight * penalty(params)

    return value


def trained(model):
    """Its parameters as ours: kernel [4, 1] and bias [1]."""
    model.fit(*regression())
    return {"kernel": jnp.asarray(model.coef_)[:, None], "bias": jnp.asarray(model.intercept_)[None]}


def test_l2_is_minimal_where_scikit_learns_ridge_regression_ends():
    params = trained(sklearn.linear_model.Ridge(alpha=30 * 0.2, solver="cholesky"))
    jax.tree.map(lambda slope: close(slope, 0.0), jax.jit(jax.grad(objective(l2_penalty, 0.2)))(params))


def test_l1_is_minimal_where_scikit_learns_lasso_ends():
    """Along an axis through its minimum: no slope where the weight is not 0, and a corner where it is."""
    params = trained(sklearn.linear_model.Lasso(alpha=0.2, tol=1e-14, max_iter=100_000))
    slope = jax.jit(jax.grad(objective(l1_penalty, 0.2)))(params)["kernel"][:, 0]  # with sign(0) = 0
    zero = params["kernel"][:, 0] == 0
    assert zero.tolist() == [False, True, False, True]
    close(slope[~zero], 0.0, 1e-7)  # Lasso stops at a duality gap of 1e-14 of ‖y‖², and a gap is a slope squared
    assert (np.abs(slope[zero]) < 0.2).all()
