"""The search for bonds against every way of binding a few atoms."""

from functools import cache
from itertools import product

import jax
import jax.numpy as jnp
import networkx
import numpy as np
import pytest
from cases import Case
from scipy.special import log_softmax

from models.layers.bond_search import bond_growth, bond_search

ATOMS, ORDERS = 4, 4
PAIRS = np.stack(np.triu_indices(ATOMS, k=1), axis=1).astype(np.int32)
VALENCES = ((4, 3, 2, 1), (4, 4, 1, 1), (2, 2, 2, 0), (3, 1, 1, 1), (4, 0, 0, 0), (2, 1, 1, 0))


def case(rng):
    return log_softmax(rng.normal(size=(3, 3, 4)), axis=-1), np.array([4, 3, 2], np.int32)


CASES = {
    bond_growth: Case(lambda rng: (*case(rng), np.array([0, 1], np.int32))),
    bond_search: Case(lambda rng: (*case(rng), np.array([[0, 1], [1, 2]], np.int32))),
}


@cache
def every_molecule(valences):
    """All connected ways to bind these atoms: the orders of their pairs, in the order of PAIRS."""
    present = [place for place, valence in enumerate(valences) if valence]
    found = []
    for orders in product(range(ORDERS), repeat=len(PAIRS)):
        graph = networkx.Graph([pair for pair, order in zip(PAIRS.tolist(), orders, strict=True) if order])
        graph.add_nodes_from(present)
        used = np.zeros(ATOMS, int)
        np.add.at(used, PAIRS[:, 0], orders)
        np.add.at(used, PAIRS[:, 1], orders)
        if (used <= valences).all() and sorted(graph) == present and networkx.is_connected(graph):
            found.append(orders)
    return np.array(found)


def probabilities(seed):
    scores = 2 * np.random.default_rng(seed).normal(size=(ATOMS, ATOMS, ORDERS))
    return log_softmax(scores + scores.transpose(1, 0, 2), axis=-1)


searched = jax.jit(lambda *given: bond_search(*given, jnp.asarray(PAIRS)))


def search(scores, valences):
    return jax.tree.map(np.asarray, searched(jnp.asarray(scores), jnp.array(valences, jnp.int32)))


def totals(scores, molecules, valences):
    there = np.array(valences)[PAIRS].all(axis=1)
    own = scores[PAIRS[:, 0], PAIRS[:, 1]][np.arange(len(PAIRS)), molecules]
    return np.where(there, own, 0.0).sum(axis=-1)


@pytest.mark.parametrize("valences", VALENCES)
def test_what_is_found_is_one_of_all_molecules_and_its_probability_is_told(valences):
    molecules = every_molecule(valences)
    shares = []
    for seed in range(20):
        scores = probabilities(seed)
        bonds, log_probability, connected = search(scores, valences)
        orders = bonds[PAIRS[:, 0], PAIRS[:, 1]]
        assert connected
        np.testing.assert_array_equal(bonds, bonds.T)
        assert (molecules == orders).all(axis=1).any()
        np.testing.assert_allclose(log_probability, totals(scores, orders, valences), rtol=1e-6)
        best = totals(scores, molecules, valences).max()
        assert log_probability <= best + 1e-5
        shares.append(log_probability >= best - 1e-5)
    assert np.mean(shares) >= 0.5  # greedy from every first bond; it need not find the best


@pytest.mark.parametrize("valences", VALENCES[:4])
def test_a_molecule_that_is_likelier_than_none_of_its_bonds_is_found(valences):
    """Each of all molecules, from probabilities that are surest of its bonds."""
    for orders in every_molecule(valences)[::3]:
        scores = np.full((ATOMS, ATOMS, ORDERS), 0.1)
        scores[PAIRS[:, 0], PAIRS[:, 1], orders] = 0.7
        np.testing.assert_array_equal(search(np.log(scores), valences).bonds[PAIRS[:, 0], PAIRS[:, 1]], orders)


def test_atoms_that_cannot_all_be_bound_are_not_connected():
    assert not search(probabilities(0), (1, 1, 1, 0)).connected
    assert not search(probabilities(0), (0, 0, 0, 0)).connected
