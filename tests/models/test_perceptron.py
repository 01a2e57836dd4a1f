"""Oracles of ``models/perceptron.py``: truth tables, exact margins, Novikoff's bound, the cycles of XOR."""

from fractions import Fraction
from functools import partial
from itertools import combinations, permutations, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.perceptron import perceptron_update, threshold_unit, xor_network

CASES = {
    perceptron_update: Case(
        lambda rng: (rng.normal(size=3), rng.normal(size=()), rng.normal(size=3), rng.integers(0, 2, ()).astype(float))
    ),
    threshold_unit: Case(constant_almost_everywhere=True),
    xor_network: Case(lambda rng: (rng.integers(0, 2, 2).astype(float),), constant_almost_everywhere=True),
}

BITS = np.array(list(product([0, 1], repeat=2)))  # 00, 01, 10, 11
FUNCTIONS = list(product([0, 1], repeat=4))  # the values at these four inputs
AND, OR, NAND, XOR, XNOR = (0, 0, 0, 1), (0, 1, 1, 1), (1, 1, 1, 0), (0, 1, 1, 0), (1, 0, 0, 1)
PASSES = 60
units = jax.jit(jax.vmap(threshold_unit, (0, None, None)))


@partial(jax.jit, static_argnames=("passes", "learning_rate"))
def train(inputs, targets, passes=PASSES, learning_rate=1.0):
    """(weights, bias) before each example and after the last, shaped [passes · examples + 1, features + 1]."""

    def step(unit, example):
        unit = perceptron_update(*unit, *example, learning_rate=learning_rate)
        return unit, jnp.append(*unit)

    start = jnp.zeros(inputs.shape[1]), jnp.zeros(())
    examples = jnp.tile(inputs, (passes, 1)), jnp.tile(targets, passes)
    _, path = jax.lax.scan(step, start, examples)
    return jnp.concatenate([jnp.zeros((1, inputs.shape[1] + 1)), path])


train_all = jax.jit(jax.vmap(train))


def path_of(targets, **options):
    return np.asarray(train(BITS.astype(np.float32), np.asarray(targets, np.float32), **options))


def updates(path):
    return (np.diff(path, axis=-2) != 0).any(-1).sum(-1)


def rests(path, examples=4):
    """Whether nothing moved during the last pass: then nothing ever will."""
    return ~(np.diff(path[..., -examples - 1 :, :], axis=-2) != 0).any((-2, -1))


def determinant(matrix):
    if not matrix:
        return Fraction(1)
    return sum(
        (-1) ** column * entry * determinant([row[:column] + row[column + 1 :] for row in matrix[1:]])
        for column, entry in enumerate(matrix[0])
    )


def squared_margin(targets):
    """γ² exactly: the squared distance from the origin to the convex hull of (2t − 1)·(x, 1), zero if it lies inside.

    (A unit vector's least product with points of the hull is at most that distance, and the direction of the hull's
    nearest point reaches it.) That point lies in a simplex of some of the corners, where it is the point of least norm
    of their affine hull: Cramer's rule on Σ_j ⟨p_i, p_j⟩ c_j = d for all i, Σ_j c_j = 1, where d is the squared norm.
    """
    signed = [[(2 * t - 1) * value for value in (*x, 1)] for x, t in zip(BITS.tolist(), targets, strict=True)]
    found = []
    for size in range(1, len(signed) + 1):
        for corners in combinations(signed, size):
            gram = [[Fraction(sum(a * b for a, b in zip(p, q, strict=True))) for q in corners] for p in corners]
            system = [[*row, Fraction(-1)] for row in gram] + [[Fraction(1)] * size + [Fraction(0)]]
            whole = determinant(system)
            if whole == 0:
                continue  # corners that are not affinely independent: smaller simplices cover their hull
            right = [Fraction(0)] * size + [Fraction(1)]
            *weights, squared_norm = (
                determinant([[*row[:j], value, *row[j + 1 :]] for row, value in zip(system, right, strict=True)])
                / whole
                for j in range(size + 1)
            )
            if min(weights) >= 0:
                found.append(squared_norm)
    return min(found)


MARGINS = {targets: squared_margin(targets) for targets in FUNCTIONS}


def test_the_unit_fires_on_its_hyperplane_and_beyond():
    weights, bias = jnp.array([2.0, -1.0]), jnp.array(-3.0)
    points = jnp.array([[1.5, 0.0], [2.0, 1.0], [3.0, -1.0], [1.0, 0.0], [1.5, 0.25]])  # sums 0, 0, 4, −1, −¼
    np.testing.assert_array_equal(units(points, weights, bias), [1, 1, 1, 0, 0])


def test_one_update_by_hand():
    """Sum 3·2 + 1·(−1) − 4 = 1: the unit fires. A target of 0 moves it back by η(x, 1), a target of 1 leaves it."""
    weights, bias, inputs = jnp.array([3.0, 1.0]), jnp.array(-4.0), jnp.array([2.0, -1.0])
    moved = perceptron_update(weights, bias, inputs, jnp.array(0.0), learning_rate=0.5)
    np.testing.assert_array_equal(jnp.append(*moved), [2.0, 1.5, -4.5])
    kept = perceptron_update(weights, bias, inputs, jnp.array(1.0), learning_rate=0.5)
    np.testing.assert_array_equal(jnp.append(*kept), [3.0, 1.0, -4.0])
    raised = perceptron_update(-weights, -bias, inputs, jnp.array(1.0), learning_rate=0.5)
    np.testing.assert_array_equal(jnp.append(*raised), [-2.0, -1.5, 4.5])


def test_nand_is_learnt_and_computed():
    path = path_of(NAND)
    assert rests(path)
    np.testing.assert_array_equal(units(BITS.astype(np.float32), path[-1, :2], path[-1, 2]), NAND)


def test_exactly_fourteen_of_sixteen_functions_are_learnt():
    learnt = {targets for targets in FUNCTIONS if rests(path_of(targets))}
    assert set(FUNCTIONS) - learnt == {XOR, XNOR}
    assert learnt == {targets for targets, margin in MARGINS.items() if margin > 0}
    for targets in learnt:
        *weights, bias = path_of(targets)[-1]
        np.testing.assert_array_equal(units(BITS.astype(np.float32), np.array(weights), bias), targets)


def test_the_margins_are_those_of_separators_found_by_hand():
    """For the constant 1, u = (0, 0, 1) is the best and its margin is 1. For OR and AND, 2x₁ + 2x₂ − 1 and
    2x₁ + 2x₂ − 3 have margin 1 at every point but the far one, before their norms of 3 and √17 are divided out."""
    assert MARGINS[1, 1, 1, 1] == 1
    assert MARGINS[OR] == Fraction(1, 9)
    assert MARGINS[AND] == MARGINS[NAND] == Fraction(1, 17)
    assert MARGINS[XOR] == MARGINS[XNOR] == 0


def test_updates_keep_novikoffs_bound_in_every_order_of_the_examples():
    """R² = 3, at the input 11 with its constant 1. Some order must need many updates, or the bound would say little."""
    orders = np.array(list(permutations(range(4))))
    for targets, squared in MARGINS.items():
        if squared == 0:
            continue
        paths = np.asarray(train_all(jnp.asarray(BITS[orders], float), jnp.asarray(np.array(targets)[orders], float)))
        assert rests(paths).all()
        assert updates(paths).max() <= 3 / squared, targets
        if targets in (AND, NAND):
            assert updates(paths).max() > 10


def test_novikoffs_bound_holds_for_points_in_five_dimensions():
    """The margin of the unit that labels the points is a lower bound of γ."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        teacher = rng.normal(size=6)
        points = rng.normal(size=(200, 5))
        extended = np.c_[points, np.ones(200)]
        sums = extended @ teacher / np.linalg.norm(teacher)
        clear = np.argsort(-np.abs(sums))[:100]
        bound = (extended[clear] ** 2).sum(1).max() / (np.abs(sums[clear]) ** 2).min()
        path = np.asarray(train(jnp.asarray(points[clear]), jnp.asarray(sums[clear] > 0, float), passes=40))
        assert rests(path, 100)
        assert 0 < updates(path) <= bound


@pytest.mark.parametrize("targets", [XOR, XNOR])
def test_a_parity_goes_round_in_a_cycle(targets):
    """Numbers are small integers, so exact: a state that returns at the same example returns for ever."""
    path = path_of(targets)
    starts = [tuple(unit) for unit in path[::4]]
    last = starts[-1]
    before = len(starts) - 2 - starts[-2::-1].index(last)
    cycle = path[4 * before :]
    assert updates(cycle) > 0
    outputs = np.stack([units(BITS.astype(np.float32), unit[:2], unit[2]) for unit in cycle])
    assert (outputs != np.array(targets)).any(1).all()


def test_the_rate_only_scales_what_is_learnt_from_zero():
    for targets in FUNCTIONS:
        np.testing.assert_array_equal(path_of(targets, learning_rate=0.25), path_of(targets) / 4)


def test_two_layers_compute_exclusive_or():
    np.testing.assert_array_equal(jax.vmap(xor_network)(jnp.asarray(BITS, float)), XOR)
