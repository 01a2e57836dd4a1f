"""How well codes of nodes say which of all pairs are joined."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def all_pairs_cross_entropy(
    codes: Float[Array, "nodes size"], joined: Int[Array, "joined 2"], *, weight: float
) -> Float[Array, ""]:
    """The cross-entropy of every ordered pair of nodes, a node with itself among them, in nats a pair.

        1/N² Σ_ij −w y_ij log σ(s_ij) − (1 − y_ij) log (1 − σ(s_ij)),   s_ij = z_i · z_j

    y_ij is 1 for the pairs that ``joined`` lists, each once; of them there are few, so each counts ``weight`` times.
    Kipf & Welling 2016, "Variational graph auto-encoders", section 2.
    """
    scores = codes @ codes.T
    of_joined = scores[joined[:, 0], joined[:, 1]]
    more = weight * jax.nn.softplus(-of_joined) - jax.nn.softplus(of_joined)
    return (jnp.sum(jax.nn.softplus(scores)) + jnp.sum(more)) / scores.size
