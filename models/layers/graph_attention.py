"""Attention along the edges of a graph."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def graph_attention_scores(
    values: Float[Array, "nodes heads features"],
    sender_weights: Float[Array, "heads features"],
    receiver_weights: Float[Array, "heads features"],
    senders: Int[Array, " edges"],
    receivers: Int[Array, " edges"],
    *,
    slope: float = 0.2,
) -> Float[Array, "edges heads"]:
    """How much each receiver looks at each of its senders, before the softmax over them.

        s_e = LeakyReLU(a_sᵀ h_s(e) + a_rᵀ h_r(e)),   of every head by itself

    The vector a of the paper is (a_r, a_s) one after the other, so that its product with both ends' values is a sum of
    one number a node. ``slope`` is that of the negative part. Veličković et al. 2018, equation 3.
    """
    of_sender = jnp.sum(values * sender_weights, axis=-1)
    of_receiver = jnp.sum(values * receiver_weights, axis=-1)
    return jax.nn.leaky_relu(of_sender[senders] + of_receiver[receivers], slope)
