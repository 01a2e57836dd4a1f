"""Bags of atoms against Python's counting, and the likeliest one against all of them."""

from collections import Counter
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.atom_bag import atoms_of_bag, bag_of_atoms, likeliest_bag, place_among_equals

CASES = {
    bag_of_atoms: Case(lambda rng: (rng.integers(0, 5, 6).astype(np.int32),)),
    atoms_of_bag: Case(lambda rng: (rng.integers(0, 3, 4).astype(np.int32),)),
    place_among_equals: Case(lambda rng: (rng.integers(0, 3, 6).astype(np.int32),)),
    likeliest_bag: Case(lambda rng: (rng.normal(size=(3, 4)),), constant_almost_everywhere=True),
}


def test_a_bag_and_its_atoms_are_each_other():
    """All bags of up to four atoms of three kinds."""
    to_atoms, to_bag = jax.jit(partial(atoms_of_bag, most=4)), jax.jit(partial(bag_of_atoms, kinds=3))
    for bag in product(range(5), repeat=3):
        if sum(bag) <= 4:
            atoms = np.asarray(to_atoms(jnp.array(bag, jnp.int32)))
            listed = [kind for kind, count in enumerate(bag, start=1) for _ in range(count)]
            np.testing.assert_array_equal(atoms, listed + [0] * (4 - len(listed)))
            np.testing.assert_array_equal(to_bag(jnp.asarray(atoms)), bag)


def test_places_count_the_equal_ones_before():
    atoms, seen = [1, 1, 2, 1, 3, 2, 0, 0], Counter()
    expected = []
    for atom in atoms:
        expected.append(seen[atom])
        seen[atom] += 1
    np.testing.assert_array_equal(place_among_equals(jnp.array(atoms, jnp.int32)), expected)


@pytest.mark.parametrize("seed", range(8))
def test_the_likeliest_bag_is_the_best_of_all(seed):
    """Where it is by itself too large or empty, among others."""
    scores = np.random.default_rng(seed).normal(size=(3, 5)) + [[3.0, 0, 0, 0, 0], [0, 0, 0, 0, 3.0]][seed % 2]
    allowed = [bag for bag in product(range(5), repeat=3) if 1 <= sum(bag) <= 4]
    best = max(allowed, key=lambda bag: sum(scores[kind, count] for kind, count in enumerate(bag)))
    np.testing.assert_array_equal(likeliest_bag(jnp.asarray(scores), most=4), best)
