"""From the probabilities of bonds, all given at once, to a molecule in which no valence is exceeded.

Bresson & Laurent 2019, section on beam search. Their rule adds one bond after another to a fragment; here a bond is
also refused where the atoms that are left could not all be bound any more.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

UNLIKELY, NEVER, IMPOSSIBLE = -1e3, -1e5, -1e9


class Bonded(NamedTuple):
    """A molecule that was put together."""

    bonds: Int[Array, "atoms atoms"]
    """the order of each bond, 0 where there is none"""
    log_probability: Float[Array, ""]
    """of these bonds and of no others, in nats"""
    connected: Bool[Array, ""]
    """whether every atom is part of it"""


def bond_growth(
    log_probabilities: Float[Array, "atoms atoms orders"], valences: Int[Array, " atoms"], start: Int[Array, " 2"]
) -> Bonded:
    """The molecule that grows from a first bond between the atoms ``start``, a bond at a time.

    log p_ij(t) are those of orders t = 0, 1, … of the bond between i < j, valences 0 those of padding. Each time the
    bond with the largest p_ij(t), t > 0, is added that touches what is there and fits the free valences of both its
    atoms; first among those likelier than none, p_ij(t) > p_ij(0), then among those that reach a further atom. None is
    added after which the u atoms outside, of valences v, could not all be bound:

        free valences inside + Σ_outside (v − 2) ≥ 0,   and free valences inside ≥ 1 where u > 0

    It ends where nothing can be added. The first atom of ``start`` alone is the beginning where its bond cannot be.

    Bresson & Laurent 2019.
    """
    atoms, orders = log_probabilities.shape[0], log_probabilities.shape[2]
    one, other = (each.astype(start.dtype) for each in jnp.triu_indices(atoms, k=1))
    of_pairs, order = log_probabilities[one, other], jnp.arange(orders, dtype=valences.dtype)
    present = valences > 0
    first = jnp.where(present[start[0]], start[0], 0)
    is_start = (one == start.min()) & (other == start.max())

    def total(chosen: Array, values: Array) -> Array:
        return jnp.sum(jnp.where(chosen, values, 0), dtype=valences.dtype)

    def add(step: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        chosen, free, inside = state
        reaches = inside[one] ^ inside[other]
        touches = (inside[one] | inside[other]) & present[one] & present[other] & (chosen == 0)
        fits = (order > 0) & (order <= jnp.minimum(free[one], free[other])[:, None])
        outside = present & ~inside
        reached = jnp.where(inside[one], valences[other], valences[one])
        free_after = (total(inside, free) + jnp.where(reaches, reached, 0))[:, None] - 2 * order
        left = total(outside, jnp.ones_like(valences)) - reaches.astype(valences.dtype)
        room = free_after + (total(outside, valences - 2) - jnp.where(reaches, reached - 2, 0))[:, None]
        possible = (room >= 0) & ((left == 0)[:, None] | (free_after >= 1))
        allowed = touches[:, None] & fits & possible & ((step > 0) | is_start[:, None])
        likely = of_pairs > of_pairs[:, :1]
        score = jnp.where(likely, of_pairs, jnp.where(reaches[:, None], of_pairs + UNLIKELY, NEVER))
        score = jnp.where(allowed, jnp.maximum(score, NEVER), IMPOSSIBLE)
        pair, bond = jnp.divmod(jnp.argmax(score), orders)
        bond = jnp.where(score[pair, bond] > NEVER, bond, 0).astype(valences.dtype)
        added = bond > 0
        free = free.at[one[pair]].add(-bond).at[other[pair]].add(-bond)
        inside = inside.at[one[pair]].max(added).at[other[pair]].max(added)
        return chosen.at[pair].add(bond), free, inside

    state = (jnp.zeros_like(one, valences.dtype), valences, present & (jnp.arange(atoms, dtype=start.dtype) == first))
    chosen, _, inside = jax.lax.fori_loop(0, min(len(one), 3 * atoms), add, state)
    both = present[one] & present[other]
    own = jnp.take_along_axis(of_pairs, chosen[:, None], axis=1)[:, 0]
    bonds = jnp.zeros((atoms, atoms), valences.dtype).at[one, other].set(chosen)
    return Bonded(bonds + bonds.T, jnp.sum(jnp.where(both, own, 0.0)), jnp.all(inside == present) & jnp.any(present))


def bond_search(
    log_probabilities: Float[Array, "atoms atoms orders"],
    valences: Int[Array, " atoms"],
    starts: Int[Array, "beam 2"],
) -> Bonded:
    """Of the molecules that grow from each of the first bonds the most probable, connected ones before others.

    Bresson & Laurent 2019: N_b first edges, and the molecule with the largest product of the probabilities of edges.
    """
    grown = jax.vmap(partial(bond_growth, log_probabilities, valences))(starts)
    best = jnp.argmax(grown.log_probability + jnp.where(grown.connected, 0.0, IMPOSSIBLE))
    return jax.tree.map(lambda each: each[best], grown)
