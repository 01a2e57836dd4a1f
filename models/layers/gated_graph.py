"""Graph convolution whose edges are gates, on graphs so small that every pair of nodes is an edge or is not.

Bresson & Laurent 2017; Bresson & Laurent 2019.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def gated_neighbour_mean(
    values: Float[Array, "nodes width"], edges: Float[Array, "nodes nodes width"], joined: Bool[Array, "nodes nodes"]
) -> Float[Array, "nodes width"]:
    """What each node receives of the others, every unit of a message weighed by its edge's gate.

        y_i = Σ_j η_ij ⊙ x_j,   η_ij = σ(e_ij) / (Σ_j' σ(e_ij') + ε),   over j with joined[i, j],   ε = 1e-6

    It is ``message_passing`` with a weight η for each unit, as products of dense arrays. A node without an edge
    receives 0. Bresson & Laurent 2017, equation 11; the normalised gate: Bresson & Laurent 2019.
    """
    gates = jnp.where(joined[..., None], jax.nn.sigmoid(edges), 0.0)
    return jnp.sum(gates * values, axis=1) / (gates.sum(axis=1) + 1e-6)
