"""How far drawn examples are from real ones, by features of both: as two Gaussians, and as two sets with edges.

Rows are examples, columns features, as of a classifier. What is measured depends on the features and on how many
examples there are: numbers compare at equal protocol only.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def frechet_distance(drawn: Float[Array, "drawn features"], real: Float[Array, "real features"]) -> Float[Array, ""]:
    """The squared 2-Wasserstein distance of the Gaussians that have the sets' means and covariances.

        |m_1 − m_2|² + tr C_1 + tr C_2 − 2 tr (C_1^½ C_2 C_1^½)^½

    Roots are those of eigenvalues, and eigenvalues that rounding makes negative are 0, so that sets of fewer examples
    than features are well. Covariances divide by n − 1. ``ValueError`` for a single example. Fréchet 1957; Dowson &
    Landau 1982; Heusel et al. 2017, equation 6, of other features.
    """
    if min(len(drawn), len(real)) < 2:
        raise ValueError(f"covariances need at least 2 examples, got {len(drawn)} and {len(real)}")
    means = [each.mean(axis=0) for each in (drawn, real)]
    one, other = (_covariance(each) for each in (drawn, real))
    values, vectors = jnp.linalg.eigh(one)
    root = (vectors * jnp.sqrt(jnp.maximum(values, 0))) @ vectors.T
    shared = jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh(root @ other @ root), 0)).sum()
    return jnp.sum((means[0] - means[1]) ** 2) + jnp.trace(one) + jnp.trace(other) - 2 * shared


def _covariance(examples: Float[Array, "examples features"]) -> Float[Array, "features features"]:
    centred = examples - examples.mean(axis=0)
    covariance = centred.T @ centred / (len(examples) - 1)
    return (covariance + covariance.T) / 2


def share_within(
    points: Float[Array, "points features"], reference: Float[Array, "reference features"], *, neighbour: int = 3
) -> Float[Array, ""]:
    """The share of points that lie where the reference is: in a ball around one of its examples, as large as it is far
    to that one's k-th neighbour, k = ``neighbour``.

    Of drawn points and a real reference it is the precision, of real points and a drawn reference the recall. In
    proportions of 1. ``ValueError`` where there are not so many neighbours. Kynkäänniemi et al. 2019, equations 1 and
    2.
    """
    if not 0 < neighbour < len(reference):
        raise ValueError(f"{len(reference)} examples have no neighbour number {neighbour}")
    radii = jnp.sort(_squared_distances(reference, reference), axis=1)[:, neighbour]
    within = _squared_distances(points, reference) <= radii
    return within.any(axis=1).mean(dtype=points.dtype)


def nearest_distances(
    points: Float[Array, "points features"], reference: Float[Array, "reference features"]
) -> Float[Array, " points"]:
    """How far it is from each point to the nearest of the reference: 0 for a copy.

        min_j ‖x_i − r_j‖

    Of drawn and trained images, in their pixels, it tells who has learnt by heart. Meehan et al. 2020.
    """
    squares = _squared_distances(points, reference).min(axis=1)
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)


def _squared_distances(points: Array, reference: Array) -> Float[Array, "points reference"]:
    """By the differences themselves, one point after another: the expanded square loses what near points differ by."""
    return jax.lax.map(lambda point: jnp.sum((point - reference) ** 2, axis=1), points)
