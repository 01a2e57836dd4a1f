"""A bag of atoms: how many there are of each kind, and the same as a list in the order of kinds.

Kinds are numbered from 1 on; a list is padded with 0. Bresson & Laurent 2019.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def bag_of_atoms(atoms: Int[Array, " atoms"], *, kinds: int = 4) -> Int[Array, " kinds"]:
    """How many atoms there are of each kind: the molecular formula. Padding is not counted.

    Bresson & Laurent 2019.
    """
    return jnp.sum(atoms[:, None] == jnp.arange(1, kinds + 1, dtype=atoms.dtype), axis=0, dtype=atoms.dtype)


def atoms_of_bag(bag: Int[Array, " kinds"], *, most: int = 4) -> Int[Array, " atoms"]:
    """The atoms of a bag in the order of their kinds, padded with 0 to ``most``; what goes beyond that is left out.

    Bresson & Laurent 2019.
    """
    ends = jnp.cumsum(bag)
    kind = jnp.searchsorted(ends, jnp.arange(most, dtype=ends.dtype), side="right").astype(bag.dtype)
    return jnp.where(kind < len(bag), kind + 1, 0)


def place_among_equals(atoms: Int[Array, " atoms"]) -> Int[Array, " atoms"]:
    """How many atoms of the same kind stand before each one, which tells two carbons apart.

    Without it a network that is equivariant under permutations gives all atoms of a kind the same bonds. Bresson &
    Laurent 2019, "positional features".
    """
    equal = atoms[:, None] == atoms
    return jnp.sum(jnp.tril(equal, k=-1), axis=1, dtype=atoms.dtype)


def likeliest_bag(log_probabilities: Float[Array, "kinds counts"], *, most: int = 4) -> Int[Array, " kinds"]:
    """The most probable bag of 1 to ``most`` atoms, kinds being independent.

        argmax_c Σ_k log p_k(c_k)   over 1 ≤ Σ_k c_k ≤ most

    By dynamic programming over kinds (Bellman 1957): the best of the first k kinds for every number of atoms. Of equal
    ones it has fewest of the last kinds.
    """
    counts, totals = jnp.arange(log_probabilities.shape[1]), jnp.arange(most + 1)
    before = totals[:, None] - counts
    best = jnp.where(totals == 0, 0.0, -jnp.inf).astype(log_probabilities.dtype)

    def add(best: Array, of_kind: Array) -> tuple[Array, Array]:
        scores = jnp.where(before >= 0, best[jnp.maximum(before, 0)] + of_kind, -jnp.inf)
        return scores.max(axis=1), scores.argmax(axis=1).astype(jnp.int32)

    def take(total: Array, taken: Array) -> tuple[Array, Array]:
        return total - taken[total], taken[total]

    best, taken = jax.lax.scan(add, best, log_probabilities)
    total = 1 + jnp.argmax(best[1:]).astype(jnp.int32)
    return jax.lax.scan(take, total, taken, reverse=True)[1]
