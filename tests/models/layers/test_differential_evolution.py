"""It finds the minima of known functions without their gradients, and its triples are what they should be."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.optimize import differential_evolution

from models.layers.differential_evolution import Population, evolved, mutants, three_others


def sphere(members):
    return jnp.sum((members - 0.3) ** 2, axis=-1)


def rastrigin(members):
    """On [−5.12, 5.12], scaled; 0 at 0.4 and at no other place, with a local minimum near every integer."""
    x = 10.24 * (members - 0.4)
    return jnp.sum(x**2 - 10 * jnp.cos(2 * np.pi * x) + 10, axis=-1)


CASES = {
    three_others: Case(options={"count": 6}),
    mutants: Case(lambda rng: (jax.random.key(int(rng.integers(99))), rng.uniform(0.3, 0.7, size=(6, 3)))),
    evolved: Case(
        lambda rng: (
            sphere,
            jax.random.key(int(rng.integers(99))),
            Population(rng.uniform(size=(6, 3)), rng.uniform(size=6)),
        )
    ),
}


def evolve(score, *, genes, members, generations, seed=0):
    start_key, *keys = jax.random.split(jax.random.key(seed), 1 + generations)
    first = jax.random.uniform(start_key, (members, genes))
    step = jax.jit(lambda population, key: (evolved(score, key, population), None))
    return jax.lax.scan(step, Population(first, score(first)), jnp.stack(keys))[0]


@pytest.mark.parametrize("genes", [1, 3])
def test_it_finds_the_bottom_of_a_bowl(genes):
    population = evolve(sphere, genes=genes, members=40, generations=120)
    np.testing.assert_allclose(population.best, 0.3, atol=1e-4)
    np.testing.assert_allclose(population.scores, sphere(population.members), rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_deepest_of_many_minima_as_scipy_does(seed):
    population = evolve(rastrigin, genes=2, members=80, generations=150, seed=seed)
    theirs = differential_evolution(lambda x: float(rastrigin(x)), [(0, 1)] * 2, strategy="rand1bin", rng=seed)
    np.testing.assert_allclose(theirs.x, 0.4, atol=1e-3)
    np.testing.assert_allclose(population.best, theirs.x, atol=1e-3)


def test_it_minimises_what_has_no_gradient():
    """A callback, of which JAX refuses the derivative."""

    def opaque(members):
        shape = jax.ShapeDtypeStruct(members.shape[:1], members.dtype)
        return jax.pure_callback(lambda given: np.sum((np.asarray(given) - 0.7) ** 2, axis=-1), shape, members)

    with pytest.raises(ValueError, match="JVP"):
        jax.grad(lambda members: opaque(members).sum())(jnp.ones((4, 2)))
    population = evolve(opaque, genes=2, members=30, generations=80)
    np.testing.assert_allclose(population.best, 0.7, atol=1e-3)


def test_every_triple_of_others_is_as_likely():
    count, draws = 5, 6000
    keys = jax.random.split(jax.random.key(1), draws)
    triples = np.asarray(jax.vmap(lambda key: three_others(key, count=count))(keys))
    for member in range(count):
        others = [number for number in range(count) if number != member]
        expected = set(itertools.permutations(others, 3))
        found, counts = np.unique(triples[:, member], axis=0, return_counts=True)
        assert set(map(tuple, found.tolist())) == expected
        np.testing.assert_allclose(counts, draws / len(expected), rtol=0.25)
    with pytest.raises(ValueError, match="four members or more, got 3"):
        three_others(jax.random.key(0), count=3)


def test_a_member_never_gets_worse_and_not_a_number_is_the_worst():
    members = jax.random.uniform(jax.random.key(0), (8, 2))
    scores = jnp.where(jnp.arange(8) < 4, jnp.nan, sphere(members))
    after = evolved(sphere, jax.random.key(1), Population(members, scores))
    assert np.isfinite(after.scores).all()
    assert (after.scores[4:] <= scores[4:]).all()
    of_nan = evolved(lambda given: jnp.full(len(given), jnp.nan), jax.random.key(1), after)
    np.testing.assert_array_equal(of_nan.members, after.members)
    least = 4 + int(jnp.argmin(scores[4:]))
    np.testing.assert_array_equal(Population(members, scores).best, members[least])
