"""A density against the one that data come from, both known at the middles of equal cells."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def grid_mass(log_density: Float[Array, "*grid"], *, cell: float) -> Float[Array, ""]:
    """What a density holds of the whole: 1 where the grid is wide and fine enough.

        Σ_i q(x_i) Δ,   Δ = ``cell``, the size of a cell

    Davis & Rabinowitz 1984, midpoint rule.
    """
    return cell * jnp.sum(jnp.exp(log_density))


def grid_cross_entropy(
    log_density: Float[Array, "*grid"], other_log_density: Float[Array, "*grid"], *, cell: float
) -> Float[Array, ""]:
    """The mean of −log q over draws of p, in nats; of p itself it is the differential entropy.

        −Σ_i p(x_i) log q(x_i) Δ

    Cells in which p = 0, of log-density −∞, count nothing whatever q is. Cover & Thomas 2006, chapter 8.
    """
    density = jnp.exp(log_density)
    somewhere = jnp.where(density > 0, other_log_density, 0.0)
    return -cell * jnp.sum(density * somewhere)


def grid_kl(
    log_density: Float[Array, "*grid"], other_log_density: Float[Array, "*grid"], *, cell: float
) -> Float[Array, ""]:
    """KL(p ‖ q), in nats: how many more a code for q takes.

        Σ_i p(x_i) (log p(x_i) − log q(x_i)) Δ

    Cover & Thomas 2006, chapter 8.
    """
    cross_entropy = grid_cross_entropy(log_density, other_log_density, cell=cell)
    return cross_entropy - grid_cross_entropy(log_density, log_density, cell=cell)
