import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.decomposition
from cases import Case
from scipy.linalg import subspace_angles
from sklearn.datasets import load_digits

from models.pca import PCA, fit_pca, largest_principal_angle, project, reconstruct, sample_code


def key_and_components(rng):
    pca = PCA(rng.normal(size=4), rng.normal(size=(2, 4)), rng.uniform(0.5, 2, 2))
    return jax.random.key(int(rng.integers(100))), pca


CASES = {fit_pca: Case(options={"components": 2}), sample_code: Case(key_and_components)}


DATA = load_digits().data[:500] / 16


@pytest.fixture(scope="module")
def theirs():
    return sklearn.decomposition.PCA(8).fit(DATA)


def test_components_and_variances_are_scikit_learns(theirs, float64):
    ours = fit_pca(jnp.asarray(DATA), components=8)
    np.testing.assert_allclose(ours.mean, theirs.mean_, atol=1e-12)
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_, rtol=1e-10)
    signs = np.sign(np.sum(np.asarray(ours.components) * theirs.components_, axis=1))
    np.testing.assert_allclose(ours.components, theirs.components_ * signs[:, None], atol=1e-9)
    largest = np.take_along_axis(ours.components, np.abs(ours.components).argmax(axis=1)[:, None], axis=1)
    assert (largest > 0).all()


def test_reconstructions_are_scikit_learns(theirs, float64):
    ours = fit_pca(jnp.asarray(DATA), components=8)
    again = jax.vmap(lambda one: reconstruct(ours, project(ours, one)))(jnp.asarray(DATA))
    np.testing.assert_allclose(again, theirs.inverse_transform(theirs.transform(DATA)), atol=1e-10)


def test_the_error_is_the_variance_that_is_left_out(float64):
    every = fit_pca(jnp.asarray(DATA), components=64)
    few = fit_pca(jnp.asarray(DATA), components=8)
    again = jax.vmap(lambda one: reconstruct(few, project(few, one)))(jnp.asarray(DATA))
    left_out = np.sum((DATA - again) ** 2) / (len(DATA) - 1)
    np.testing.assert_allclose(left_out, np.sum(every.variances[8:]), rtol=1e-10)


def test_codes_that_are_drawn_have_the_datas_variances(float64):
    pca = PCA(jnp.zeros(3), jnp.eye(3), jnp.array([4.0, 1.0, 0.25]))
    codes = jax.vmap(lambda key: sample_code(key, pca))(jax.random.split(jax.random.key(0), 20_000))
    # the standard error of a variance is √(2/N) of it: 0.01
    np.testing.assert_allclose(np.cov(codes.T), np.diag([4.0, 1.0, 0.25]), atol=0.16)
    np.testing.assert_allclose(np.var(codes, axis=0), [4.0, 1.0, 0.25], rtol=0.05)


def test_too_many_components_are_refused():
    with pytest.raises(ValueError, match=r"no 4 components of data of shape \(5, 3\)"):
        fit_pca(jnp.zeros((5, 3)), components=4)


def test_the_angle_is_scipys(float64):
    rng = np.random.default_rng(0)
    one, other = (jnp.asarray(rng.normal(size=(3, 7))) for _ in range(2))
    np.testing.assert_allclose(largest_principal_angle(one, other), subspace_angles(one.T, other.T).max(), rtol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.3, np.pi / 2])
def test_the_angle_of_rotated_planes_is_known(angle, float64):
    """A plane turned about one of its directions, described by other vectors of the same span."""
    plane = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    turned = np.array([[1.0, 0, 0, 0], [0, np.cos(angle), np.sin(angle), 0]])
    mixed = np.array([[2.0, 1.0], [-1.0, 3.0]]) @ turned
    np.testing.assert_allclose(largest_principal_angle(jnp.asarray(plane), jnp.asarray(mixed)), angle, atol=1e-8)
