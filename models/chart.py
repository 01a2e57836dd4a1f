"""The decoder as a chart: the geometry that a latent space has from the images it is mapped to.

A decoder D: ℝᵏ → ℝᵈ is a smooth parametrisation of a surface of images. Lengths measured there, between images, make
the flat latent space a Riemannian manifold. Lecture 004, "Manifolds and generative models".
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Decode = Callable[[Float[Array, " latent"]], Array]
"""One code to its image, of any shape."""

_DAMPING = 1e-3  # at first, of the mean curvature; Levenberg and Marquardt's


def pull_back_metric(decode: Decode, code: Float[Array, " latent"]) -> Float[Array, "latent latent"]:
    """The inner product of small changes of a code, as their images have it.

        G(z) = J(z)ᵀ J(z),   J = ∂D/∂z

    A step dz changes the image by √(dzᵀ G dz). Shao et al. 2018; Arvanitidis et al. 2018. Lecture 004.
    """
    jacobian = _jacobian(decode, code)
    return jacobian.T @ jacobian


def magnification(decode: Decode, code: Float[Array, " latent"]) -> Float[Array, ""]:
    """How much volume of the surface a unit of latent volume becomes.

        √det G(z)

    Bishop et al. 1997. Lecture 004.
    """
    eigenvalues = jnp.linalg.eigvalsh(pull_back_metric(decode, code))
    return jnp.sqrt(jnp.prod(jnp.maximum(eigenvalues, 0.0)))


def curve_length(decode: Decode, points: Float[Array, "points latent"]) -> Float[Array, ""]:
    """The length of the decoded polygon.

        Σ_i ‖D(z_{i+1}) − D(z_i)‖

    Shao et al. 2018. Lecture 004.
    """
    return jnp.sum(jnp.sqrt(jnp.sum(_steps(decode, points) ** 2, axis=1)))


def curve_energy(decode: Decode, points: Float[Array, "points latent"]) -> Float[Array, ""]:
    """The energy of the decoded polygon, if it is run through in unit time.

        n/2 Σ_i ‖D(z_{i+1}) − D(z_i)‖²,   n steps

    At least half of the squared length, and equal where all steps are equally long. Shao et al. 2018.
    Lecture 004.
    """
    return 0.5 * (points.shape[0] - 1) * jnp.sum(_steps(decode, points) ** 2)


def straight_line(
    start: Float[Array, " latent"], end: Float[Array, " latent"], *, points: int
) -> Float[Array, "points latent"]:
    """Equally spaced codes from ``start`` to ``end``, both included. Lecture 004, "Euclidean interpolation"."""
    fractions = jnp.linspace(0.0, 1.0, points, dtype=start.dtype)[:, None]
    return start + fractions * (end - start)


def geodesic(decode: Decode, line: Float[Array, "points latent"], *, steps: int = 50) -> Float[Array, "points latent"]:
    """The shortest decoded way between the ends of a line of codes, which moves there step by step.

    Minimises the energy over the points between by damped Gauss–Newton (Levenberg 1944; Marquardt 1963):

        z ← z − (H + μ I)⁻¹ ∇E,   H_ij = n L_ij J_iᵀ J_j,   ∇E_i = n J_iᵀ Σ_j L_ij D(z_j)

    with the Laplacian L of the path. A step that does not lower the energy is undone, and μ grows; so the result is
    never longer in energy than the line given, and it is a local minimum: start from several lines where that matters.
    Shao et al. 2018 descend the same gradient. Lecture 004, "Manifolds and generative models".
    """
    laplacian = 2 * jnp.eye(len(line), dtype=line.dtype)
    laplacian -= jnp.eye(len(line), k=1, dtype=line.dtype) + jnp.eye(len(line), k=-1, dtype=line.dtype)
    laplacian = (len(line) - 1) * laplacian[1:-1]

    def improve(state: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        points, damping = state
        moved = points.at[1:-1].add(_gauss_newton(decode, points, laplacian, damping))
        better = curve_energy(decode, moved) < curve_energy(decode, points)
        return (jnp.where(better, moved, points), jnp.where(better, damping / 4, damping * 8)), None

    (points, _), _ = jax.lax.scan(improve, (line, jnp.asarray(_DAMPING, line.dtype)), None, length=steps)
    return points


def _gauss_newton(
    decode: Decode, points: Float[Array, "points latent"], laplacian: Float[Array, "inner points"], damping: Array
) -> Float[Array, "inner latent"]:
    inner = points[1:-1]
    images = jax.vmap(partial(_flat, decode))(points)
    jacobians = jax.vmap(partial(_jacobian, decode))(inner)
    gradient = jnp.einsum("idk,id->ik", jacobians, laplacian @ images)
    curvature = laplacian[:, None, 1:-1, None] * jnp.einsum("idk,jdl->ikjl", jacobians, jacobians)
    curvature = curvature.reshape(inner.size, inner.size)
    ridge = damping * jnp.trace(curvature) / inner.size + jnp.finfo(points.dtype).tiny
    solution = jnp.linalg.solve(curvature + ridge * jnp.eye(inner.size, dtype=points.dtype), gradient.ravel())
    return -solution.reshape(inner.shape)


def _flat(decode: Decode, code: Float[Array, " latent"]) -> Float[Array, " values"]:
    return jnp.ravel(decode(code))


def _jacobian(decode: Decode, code: Float[Array, " latent"]) -> Float[Array, "values latent"]:
    return jax.jacfwd(partial(_flat, decode))(code)


def _steps(decode: Decode, points: Float[Array, "points latent"]) -> Float[Array, "steps values"]:
    return jnp.diff(jax.vmap(partial(_flat, decode))(points), axis=0)
