"""Messages along the edges of a graph: what every node receives, and how much each edge counts.

An edge leads from its sender to its receiver; an undirected one is listed both ways. Aᵢⱼ = 1 where an edge leads from j
to i, so that sums of messages are products with A, which is never made. Indices are those of nodes from 0: what is read
is checked when it is read, because a sum by segments drops what lies outside without a word.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Graph(NamedTuple):
    """Nodes with sparse features, joined by edges: each undirected one both ways, and no loops."""

    node: Int[Array, " entries"]
    """of each entry of the features that is not zero: whose it is"""
    feature: Int[Array, " entries"]
    """of each such entry: which feature"""
    value: Float[Array, " entries"]
    """of each such entry"""
    senders: Int[Array, " edges"]
    """where each edge begins"""
    receivers: Int[Array, " edges"]
    """where each edge ends"""
    degrees: Int[Array, " nodes"]
    """neighbours of each node"""
    occurrences: Int[Array, " features"]
    """nodes that have each feature"""


class Edges(NamedTuple):
    """Edges of which each counts as much as its weight."""

    senders: Int[Array, " edges"]
    receivers: Int[Array, " edges"]
    weights: Float[Array, " edges"]


def message_passing(
    values: Float[Array, "senders ..."],
    senders: Int[Array, " edges"],
    receivers: Int[Array, " edges"],
    weights: Float[Array, "edges ..."],
    *,
    nodes: int,
    aggregation: Literal["sum", "mean", "max", "attention"] = "sum",
) -> Float[Array, "nodes ..."]:
    """What each of ``nodes`` receives: its edges' messages, the value of the sender times the weight of the edge.

        m_e = w_e x_s(e)          sum: Σ_e m_e   mean: Σ_e m_e / Σ_e 1   max: max_e m_e,   over e with r(e) = i
        attention: Σ_e α_e x_s(e),   α = softmax of the weights over the edges of one receiver

    Leading axes of ``values`` after the first, such as heads, may have weights of their own. A node without an edge
    receives 0. Where several messages are largest they share the gradient of the maximum. Receivers need not be
    senders: with entries of a sparse matrix as edges from columns to rows, the sum is its product with ``values``.
    Gilmer et al. 2017, section 2; Hamilton et al. 2017.
    """
    if aggregation == "attention":
        weights = segment_softmax(weights, receivers, nodes=nodes)
    messages = values[senders] * weights.reshape(*weights.shape, *[1] * (values.ndim - weights.ndim))
    if aggregation == "max":
        largest = jax.ops.segment_max(messages, receivers, nodes)
        return jnp.where(jnp.isneginf(largest), 0.0, largest)
    total = jax.ops.segment_sum(messages, receivers, nodes)
    if aggregation != "mean":
        return total
    counts = jax.ops.segment_sum(jnp.ones(len(receivers), total.dtype), receivers, nodes)
    return total / jnp.maximum(counts, 1).reshape(-1, *[1] * (total.ndim - 1))


def segment_softmax(
    scores: Float[Array, "edges ..."], receivers: Int[Array, " edges"], *, nodes: int
) -> Float[Array, "edges ..."]:
    """The softmax over the edges of each receiver, every head by itself.

        α_e = exp s_e / Σ_{e': r(e') = r(e)} exp s_e'

    The largest score of a receiver is subtracted first, so that none overflows; a receiver without an edge has no
    weight to give and makes no NaN. Veličković et al. 2018, equation 2.
    """
    largest = jax.lax.stop_gradient(jax.ops.segment_max(scores, receivers, nodes))
    exponentials = jnp.exp(scores - largest[receivers])
    return exponentials / jax.ops.segment_sum(exponentials, receivers, nodes)[receivers]


def with_self_loops(
    senders: Int[Array, " edges"], receivers: Int[Array, " edges"], weights: Float[Array, " edges"], *, nodes: int
) -> Edges:
    """The edges, then one of weight 1 from each of ``nodes`` to itself:  Ã = A + I.

    A loop that is there already is counted twice. Kipf & Welling 2017, section 2.2.
    """
    loops = jnp.arange(nodes, dtype=senders.dtype)
    return Edges(
        jnp.concatenate([senders, loops]),
        jnp.concatenate([receivers, loops]),
        jnp.concatenate([weights, jnp.ones(nodes, weights.dtype)]),
    )


def symmetric_normalization(
    senders: Int[Array, " edges"], receivers: Int[Array, " edges"], weights: Float[Array, " edges"], *, nodes: int
) -> Edges:
    """Undirected edges with a loop at each node, weighted so that repeated passing neither grows nor fades.

        Â = D̃^(−1/2) Ã D̃^(−1/2),   Ã = A + I,   D̃ᵢᵢ = Σⱼ Ãᵢⱼ

    The largest eigenvalue of Â is 1. ``weights`` w_e ≥ 0 are those of A, 1 for a plain graph; a node without a
    neighbour keeps its value. Kipf & Welling 2017, section 2.2.
    """
    looped = with_self_loops(senders, receivers, weights, nodes=nodes)
    scale = jax.lax.rsqrt(jax.ops.segment_sum(looped.weights, looped.receivers, nodes))
    return looped._replace(weights=scale[looped.senders] * looped.weights * scale[looped.receivers])
