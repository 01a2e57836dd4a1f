"""All but the largest entries of a vector set to 0."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def keep_largest(code: Float[Array, " units"], *, k: int) -> Float[Array, " units"]:
    """The k entries of largest absolute value, all others 0: exactly k of them stay, whatever ties there are.

        f(z)_i = z_i b_i,   b_i = 1 where |z_i| is among the k largest, else 0

    The gradient passes through the entries that stay and is 0 for the others. ``ValueError`` where there are fewer
    than k entries. Makhzani & Frey 2014, algorithm 1, who take the largest z_i, not |z_i|. Lecture 002, "Sparse
    autoencoders".
    """
    if not 0 < k <= code.shape[0]:
        raise ValueError(f"expected 1 to {code.shape[0]} entries to keep of a code of shape {code.shape}, got k={k}")
    _, largest = jax.lax.top_k(jnp.abs(jax.lax.stop_gradient(code)), k)
    kept = jnp.zeros(code.shape, code.dtype).at[largest].set(1.0)
    return code * kept
