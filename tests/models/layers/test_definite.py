"""Systems are solved as NumPy does; their gradients are finite differences; batches of systems do not wait for ever."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case
from jax.test_util import check_grads

from models.layers.definite import definite_solve


def system(rng, size=4, columns=2):
    factor = rng.normal(size=(size, size))
    return factor @ factor.T + np.eye(size), rng.normal(size=(size, columns))


CASES = {definite_solve: Case(system)}


def test_it_solves_and_a_batch_is_solved_one_by_one(float64):
    systems = [system(np.random.default_rng(seed), size=7) for seed in range(5)]
    matrices, rights = (jnp.asarray(np.stack(each)) for each in zip(*systems, strict=True))
    found = jax.jit(jax.vmap(definite_solve))(matrices, rights)
    np.testing.assert_allclose(found, np.linalg.solve(matrices, rights), rtol=1e-10)


def test_gradients_are_finite_differences_in_both_arguments(float64):
    matrix, right = map(jnp.asarray, system(np.random.default_rng(0)))

    @jax.jit
    def symmetric(lower, right):
        return definite_solve(lower @ lower.T + jnp.eye(4), right)

    check_grads(symmetric, (jnp.linalg.cholesky(matrix), right), order=1, modes=("fwd", "rev"))


def test_what_is_not_definite_gives_nan():
    assert np.isnan(definite_solve(jnp.diag(jnp.array([1.0, -1.0])), jnp.ones((2, 1)))).any()


def test_two_batches_at_once_do_not_wait_for_each_other():
    """Two of LAPACK's batches did, each in a thread of a pool of two: in a process of its own, which can be ended."""
    program = """
import jax, jax.numpy as jnp
from models.layers.definite import definite_solve
a = jax.random.normal(jax.random.key(0), (64, 64, 64))
a, b = a @ a.mT + jnp.eye(64), jnp.ones((64, 64, 1))
solve = jax.vmap(definite_solve)
both = jax.jit(lambda a: solve(a + jnp.eye(64), b).sum() + solve(2 * a + 3 * jnp.eye(64), b).sum())
for _ in range(20):
    both(a).block_until_ready()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
