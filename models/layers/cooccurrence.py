"""Word vectors by counting: how often words stand beside each other, and a matrix of small rank in its place.

Levy & Goldberg 2014, "Neural word embedding as implicit matrix factorization". Lecture 004, "Word embeddings".
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cooccurrences(
    words: Int[Array, " pairs"], neighbours: Int[Array, " pairs"], *, vocabulary: int
) -> Float[Array, "vocabulary vocabulary"]:
    """How many pairs have word i, and neighbour j:  n_ij.

    Lund & Burgess 1996.
    """
    return jnp.zeros((vocabulary, vocabulary), jnp.float32).at[words, neighbours].add(1.0)


def positive_pointwise_mutual_information(
    counts: Float[Array, "words neighbours"], *, shift: float = 0.0
) -> Float[Array, "words neighbours"]:
    """How much more often a pair occurs than by chance, in nats, and 0 where it occurs less often or never.

        max(log (n_ij n / (n_i n_j)) − shift, 0)

    With ``shift`` log K it is what K negative samples approach (Levy & Goldberg 2014, section 3.1). Church & Hanks
    1990; Niwa & Nitta 1994.
    """
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    ratio = jnp.where(counts > 0, counts / jnp.where(counts > 0, expected, 1), 1)
    return jnp.where(counts > 0, jnp.maximum(jnp.log(ratio) - shift, 0), 0)


def factorize(matrix: Float[Array, "words neighbours"], *, size: int) -> Float[Array, "words size"]:
    """Vectors of words whose products with as long vectors of neighbours are closest to the matrix.

        M ≈ U_d Σ_d V_dᵀ,   rows of U_d √Σ_d

    ``ValueError`` where the matrix has no such rank. Eckart & Young 1936; Levy & Goldberg 2014, section 4.2.
    """
    if not 0 < size <= min(matrix.shape):
        raise ValueError(f"no vectors of size {size} from a matrix {matrix.shape}: at most {min(matrix.shape)}")
    left, singular, _ = jnp.linalg.svd(matrix, full_matrices=False)
    return left[:, :size] * jnp.sqrt(singular[:size])
