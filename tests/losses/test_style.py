"""Gram matrices by hand and by sums over positions, the papers' constants, and gradients in the paper's closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from losses.style import content_error, gram_matrix, style_error


def symmetric(rng):
    matrix = rng.normal(size=(3, 3))
    return matrix + matrix.T


CASES = {
    content_error: Case(lambda rng: (rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 2, 3)))),
    style_error: Case(lambda rng: (rng.normal(size=(4, 2, 3)), symmetric(rng))),
}
RNG = np.random.default_rng(0)
ROWS, COLUMNS, N = 5, 4, 3
M = ROWS * COLUMNS


def maps(*shape):
    return jnp.asarray(RNG.normal(size=shape or (ROWS, COLUMNS, N)))


def of_paper(features):
    """G_ij = Σ_k F_ik F_jk, by loops."""
    channels = np.asarray(features).reshape(-1, features.shape[-1]).T
    return np.array([[sum(a * b for a, b in zip(one, other, strict=True)) for other in channels] for one in channels])


def test_the_matrix_of_maps_by_hand(float64):
    features = jnp.array([[[1.0, 2.0]], [[3.0, -1.0]]])
    np.testing.assert_allclose(gram_matrix(features), np.array([[10.0, -1.0], [-1.0, 5.0]]) / 2)


def test_the_matrix_is_the_papers_divided_by_the_positions(float64):
    features = maps()
    np.testing.assert_allclose(gram_matrix(features), of_paper(features) / M, rtol=1e-12)
    np.testing.assert_allclose(gram_matrix(features), np.einsum("hwc,hwd->cd", features, features) / M, rtol=1e-12)


def test_constant_maps_have_the_products_of_their_values_whatever_their_size(float64):
    values = maps(N)
    for shape in ((1, 1), (2, 7)):
        constant = jnp.broadcast_to(values, (*shape, N))
        np.testing.assert_allclose(gram_matrix(constant), np.outer(values, values), rtol=1e-12)


def test_it_does_not_see_where_anything_is(float64):
    features = maps()
    shuffled = jax.random.permutation(jax.random.key(0), features.reshape(M, N)).reshape(features.shape)
    assert not np.allclose(shuffled, features)
    np.testing.assert_allclose(gram_matrix(shuffled), gram_matrix(features), rtol=1e-12)
    np.testing.assert_allclose(style_error(shuffled, gram_matrix(features)), 0, atol=1e-24)


def test_its_eigenvalues_are_the_squares_of_singular_values(float64):
    features = maps()
    values = np.linalg.svd(np.asarray(features).reshape(M, N), compute_uv=False)
    np.testing.assert_allclose(np.linalg.eigvalsh(gram_matrix(features))[::-1], values**2 / M, rtol=1e-10)


@pytest.mark.parametrize(
    ("constants", "of_content", "of_style"),
    [("gatys", 1 / 2, 1 / (4 * N**2 * M**2)), ("johnson", 1 / (N * M), 1 / (N * M) ** 2), ("lecture", 1, 1)],
)
def test_errors_are_the_papers_sums_with_their_constants(float64, constants, of_content, of_style):
    features, other = maps(), maps()
    squares = sum((a - b) ** 2 for a, b in zip(np.ravel(features), np.ravel(other), strict=True))
    np.testing.assert_allclose(content_error(features, other, constants=constants), of_content * squares, rtol=1e-12)
    difference = of_paper(features) - of_paper(other)
    expected = of_style * (difference**2).sum()
    np.testing.assert_allclose(style_error(features, gram_matrix(other), constants=constants), expected, rtol=1e-12)


@pytest.mark.parametrize("constants", ["gatys", "johnson", "lecture"])
def test_errors_of_what_is_asked_for_are_zero_and_of_all_else_above(float64, constants):
    features = maps()
    assert content_error(features, features, constants=constants) == 0
    assert style_error(features, gram_matrix(features), constants=constants) == 0
    assert content_error(features + 0.1, features, constants=constants) > 0
    assert style_error(2 * features, gram_matrix(features), constants=constants) > 0


def test_gradients_at_a_rectifiers_output_are_equations_2_and_6(float64):
    """Of what a unit receives: (F − P)_ij, and 1/(N² M²) (Fᵀ (G − A))_ji, where F_ij > 0, and 0 elsewhere."""
    inputs, content, style = maps(), maps(), maps()
    of_content = jax.grad(lambda inputs: content_error(jax.nn.relu(inputs), content))(inputs)
    target = gram_matrix(style)
    of_style = jax.grad(lambda inputs: style_error(jax.nn.relu(inputs), target))(inputs)
    features = np.maximum(np.asarray(inputs), 0).reshape(M, N).T
    active = features > 0
    np.testing.assert_allclose(
        of_content.reshape(M, N).T, np.where(active, features - content.reshape(M, N).T, 0), rtol=1e-12
    )
    difference = features @ features.T - of_paper(style)
    closed = np.where(active, (features.T @ difference).T / (N * M) ** 2, 0)
    np.testing.assert_allclose(of_style.reshape(M, N).T, closed, rtol=1e-10, atol=1e-16)


def test_styles_of_other_sizes_are_compared_by_their_means(float64):
    """A picture and the same picture four times are of one style."""
    features = maps()
    tiled = jnp.tile(features, (2, 2, 1))
    np.testing.assert_allclose(style_error(tiled, gram_matrix(features), constants="johnson"), 0, atol=1e-24)
