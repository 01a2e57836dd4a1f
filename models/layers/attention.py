"""Attention: a mean of values, each weighed by how well its key answers a query.

Scores compare queries with keys, a softmax turns them into weights, and the weights mix the values. Bahdanau et al.
2015; Vaswani et al. 2017. Lecture 000, "Attention"; Lecture 003, section 5.3.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def dot_product_scores(
    queries: Float[Array, "queries size"], keys: Float[Array, "keys size"]
) -> Float[Array, "queries keys"]:
    """How well a key answers a query: their inner product.

        s_ij = ⟨q_i, k_j⟩

    Luong et al. 2015, equation 8, "dot". Lecture 003, "Key-value".
    """
    return queries @ keys.T


def scaled_dot_product_scores(
    queries: Float[Array, "*batch queries heads size"], keys: Float[Array, "*batch keys heads size"]
) -> Float[Array, "*batch heads queries keys"]:
    """Inner products of every head, divided so that their variance does not grow with the size.

        s_hij = ⟨q_ih, k_jh⟩ / √d

    Entries of variance 1 have inner products of variance d. Vaswani et al. 2017, equation 1. Lecture 000, "Scaled down
    attention".
    """
    return jnp.einsum("...qhd,...khd->...hqk", queries / math.sqrt(queries.shape[-1]), keys)


def additive_scores(
    queries: Float[Array, "queries query_size"],
    keys: Float[Array, "keys key_size"],
    query_kernel: Float[Array, "query_size units"],
    key_kernel: Float[Array, "key_size units"],
    combination: Float[Array, " units"],
) -> Float[Array, "queries keys"]:
    """A layer of hidden units that sees query and key.

        s_ij = wᵀ tanh(W_qᵀ q_i + W_kᵀ k_j)

    d (d_q + d_k + 1) parameters for d units. Bahdanau et al. 2015, appendix A.1.2. Lecture 000, "Additive attention";
    Lecture 003, which leaves w out: one unit of weight 1.
    """
    hidden = jnp.tanh((queries @ query_kernel)[:, None] + (keys @ key_kernel)[None])
    return hidden @ combination


def projected_scores(
    queries: Float[Array, "queries query_size"],
    keys: Float[Array, "keys key_size"],
    query_kernel: Float[Array, "query_size size"],
    key_kernel: Float[Array, "key_size size"],
) -> Float[Array, "queries keys"]:
    """Scaled inner products of what two matrices make of queries and keys, which may so be of different sizes.

        s_ij = ⟨W_qᵀ q_i, W_kᵀ k_j⟩ / √d

    Vaswani et al. 2017, section 3.2.2, for one head. Lecture 000, "Making scaled down tunable".
    """
    return dot_product_scores(queries @ query_kernel, keys @ key_kernel) / math.sqrt(query_kernel.shape[1])


def attention_weights(
    scores: Float[Array, "*leading queries keys"], mask: Bool[Array, "#*leading #queries keys"] | None = None
) -> Float[Array, "*leading queries keys"]:
    """The softmax over the keys that a query may see: positive and of sum 1 there, 0 elsewhere.

        α_ij = m_ij exp(s_ij) / Σ_l m_il exp(s_il)

    A query that sees no key has the weights 0, and so attends to nothing: its output is 0, with the gradient 0. (JAX'
    own attention returns the mean of all values there, PyTorch's 0.) Half precision is raised to float32 inside.
    Vaswani et al. 2017, section 3.2.3. Lecture 000, "Attention".
    """
    raised = scores if scores.dtype.itemsize >= 4 else scores.astype(jnp.float32)
    if mask is None:
        return jax.nn.softmax(raised).astype(scores.dtype)
    weights = jax.nn.softmax(jnp.where(mask, raised, float(jnp.finfo(raised.dtype).min)))
    return jnp.where(mask, weights, 0).astype(scores.dtype)


def attend(
    scores: Float[Array, "queries keys"],
    values: Float[Array, "keys size"],
    mask: Bool[Array, "queries keys"] | None = None,
) -> Float[Array, "queries size"]:
    """Each query's mean of the values, weighed by its scores.

        o_i = Σ_j α_ij v_j,   α = softmax(s)

    Lecture 000, "Attention": a(q) = Σ_j h(q, k_j) v_j.
    """
    return attention_weights(scores, mask) @ values


def mix_values(
    weights: Float[Array, "*batch heads queries keys"], values: Float[Array, "*batch keys heads size"]
) -> Float[Array, "*batch queries heads size"]:
    """Every head's mean of its values.

        o_ih = Σ_j α_hij v_jh

    Vaswani et al. 2017, equation 1.
    """
    return jnp.einsum("...hqk,...khd->...qhd", weights, values)


def multi_head_attention(
    queries: Float[Array, "*batch queries heads size"],
    keys: Float[Array, "*batch keys heads size"],
    values: Float[Array, "*batch keys heads value_size"],
    mask: Bool[Array, "#*batch #queries keys"] | None = None,
) -> Float[Array, "*batch queries heads value_size"]:
    """Scaled attention of several heads at once, each with its part of queries, keys and values.

        o_h = softmax(Q_h K_hᵀ / √d) V_h

    All heads see what ``mask`` shows. Vaswani et al. 2017, section 3.2.2. Lecture 003, "Multi-head attention".
    """
    of_heads = None if mask is None else jnp.expand_dims(mask, -3)
    return mix_values(attention_weights(scaled_dot_product_scores(queries, keys), of_heads), values)


def gate(inputs: Float[Array, "*shape"], logits: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Inputs weighed by a map of numbers between 0 and 1, each on its own.

        y_i = σ(g_i) x_i

    A softmax lets inputs compete, a gating map does not. Lecture 003, "Gating maps"; the gates of an LSTM are these.
    """
    return jax.nn.sigmoid(logits) * inputs


def causal_mask(query_places: Int[Array, " queries"], key_places: Int[Array, " keys"]) -> Bool[Array, "queries keys"]:
    """What lies not after a query.

        m_ij = [key place j ≤ query place i]

    From places, not from row and column numbers, so that it is right where there are fewer queries than keys. Vaswani
    et al. 2017, section 3.2.3.
    """
    return key_places[None, :] <= query_places[:, None]


def length_mask(length: Int[Array, ""], *, places: int) -> Bool[Array, " places"]:
    """The places of a padded sequence that hold something.

        m_i = [i < length]

    Lecture 003, "Multi-head attention": the optional mask.
    """
    return jnp.arange(places, dtype=length.dtype) < length


def sinusoidal_positions(
    places: Int[Array, " places"] | Float[Array, " places"], *, size: int
) -> Float[Array, "places size"]:
    """A place as ``size`` numbers: sines and cosines, whose wavelengths rise from 2π to 10,000 · 2π.

        p_t,2i = sin(t ω_i),   p_t,2i+1 = cos(t ω_i),   ω_i = 10000^(−2i / d)

    The encodings of t + k are a rotation of those of t, the same for all t. ``ValueError`` where ``size`` is odd.
    Vaswani et al. 2017, section 3.5. Lecture 003, "Positional embedding".
    """
    if size % 2:
        raise ValueError(f"sines and cosines come in pairs, got the size {size}")
    frequencies = 10000.0 ** (-jnp.arange(0, size, 2) / size)
    angles = places[:, None].astype(frequencies.dtype) * frequencies
    return jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1).reshape(len(places), size)
