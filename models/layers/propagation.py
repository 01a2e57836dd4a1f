"""Values that are passed on along edges many times, without anything to learn on the way."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from models.layers.graph import Edges, message_passing


def propagate(values: Float[Array, "nodes features"], edges: Edges, *, steps: int) -> Float[Array, "nodes features"]:
    """The weighted sum over neighbours, ``steps`` times K:  Âᴷ X.

    With the symmetric normalisation this is the simplified graph convolution before its classifier. Wu et al. 2019,
    equation 8.
    """

    def step(values: Array, _: None) -> tuple[Array, None]:
        return message_passing(values, *edges, nodes=len(values)), None

    return jax.lax.scan(step, values, None, length=steps)[0]


def personalized_pagerank(
    values: Float[Array, "nodes features"], edges: Edges, *, teleport: float, steps: int
) -> Float[Array, "nodes features"]:
    """What a walk brings together that at each step goes back to its start with probability ``teleport`` α.

        Z ← (1 − α) Â Z + α H,   ``steps`` times from Z = H,   whose limit is  α (I − (1 − α) Â)⁻¹ H

    The distance to the limit shrinks by 1 − α a step. A teleport outside (0, 1] raises ``ValueError``. Gasteiger et al.
    2019, equation 4 (APPNP); Page et al. 1999.
    """
    if not 0 < teleport <= 1:
        raise ValueError(f"the probability to teleport must be above 0 and at most 1, got {teleport}")

    def step(current: Array, _: None) -> tuple[Array, None]:
        return (1 - teleport) * message_passing(current, *edges, nodes=len(values)) + teleport * values, None

    return jax.lax.scan(step, values, None, length=steps)[0]


def label_propagation(
    labels: Float[Array, "nodes classes"],
    known: Bool[Array, " nodes"],
    senders: Int[Array, " edges"],
    receivers: Int[Array, " edges"],
    *,
    steps: int,
) -> Float[Array, "nodes classes"]:
    """Each node takes the mean of its neighbours, and nodes whose label is known keep it.

        Y_i ← (1/|N_i|) Σ_{j ∈ N_i} Y_j  where the label is not known,   ``steps`` times, from 0 there

    The limit is harmonic: no value lies beyond those that are known. A node that no path joins to a known one stays at
    0, which says nothing of it. Zhu et al. 2003; Zhu & Ghahramani 2002.
    """
    given = jnp.where(known[:, None], labels, 0.0)
    ones = jnp.ones(len(senders), labels.dtype)

    def step(current: Array, _: None) -> tuple[Array, None]:
        mean = message_passing(current, senders, receivers, ones, nodes=len(labels), aggregation="mean")
        return jnp.where(known[:, None], given, mean), None

    return jax.lax.scan(step, given, None, length=steps)[0]
