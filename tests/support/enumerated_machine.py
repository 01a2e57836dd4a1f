"""Restricted Boltzmann machines of a few units, whose states are all enumerated: the oracle of ``models/rbm.py``."""

import functools
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from models.rbm import RBM

VISIBLE, HIDDEN = 4, 3


class Enumerated(NamedTuple):
    """A machine, its states, and the joint distribution [visible states, hidden states] by the energy's definition."""

    rbm: RBM
    visible: np.ndarray
    hidden: np.ndarray
    log_z: float
    joint: np.ndarray


def bits(units):
    return np.array(list(product([0.0, 1.0], repeat=units)))


def enumerate_machine(rbm):
    weights, a, b = map(np.asarray, rbm)
    visible, hidden = bits(len(a)), bits(len(b))
    minus_energy = (visible @ a)[:, None] + (hidden @ b)[None, :] + visible @ weights @ hidden.T
    log_z = scipy.special.logsumexp(minus_energy)
    return Enumerated(rbm, visible, hidden, log_z, np.exp(minus_energy - log_z))


def random_machine(visible=VISIBLE, hidden=HIDDEN, seed=0, scale=1.5):
    rng = np.random.default_rng(seed)
    shapes = (visible, hidden), (visible,), (hidden,)
    return RBM(*(jnp.asarray(scale * rng.normal(size=shape)) for shape in shapes))


def transition_matrix(machine):
    """P(v → v′) of one block Gibbs step, from the joint distribution alone: Σ_h p(h | v) p(v′ | h)."""
    up = machine.joint / machine.joint.sum(axis=1, keepdims=True)
    down = machine.joint / machine.joint.sum(axis=0, keepdims=True)
    return up @ down.T


def close(actual, expected, tolerance=1e-11):
    jax.tree.map(lambda a, e: np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance), actual, expected)


@functools.cache
def over_rows(function):
    """``function`` of a machine and each row of an array, compiled once for all machines of a size."""
    mapped = jax.jit(jax.vmap(function, (None, 0)))
    return lambda rbm, rows: np.asarray(mapped(rbm, np.asarray(rows)))


@functools.cache
def over_pairs(function):
    """``function`` of a machine and each pair of rows of two arrays."""
    mapped = jax.jit(jax.vmap(function, (None, 0, 0)))
    return lambda rbm, rows, others: np.asarray(mapped(rbm, rows, others))


def some_data(count=7, units=VISIBLE, seed=3):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 2, size=(count, units)).astype(float))


def statistics_under(machine, probabilities):
    """The mean of (v hᵀ, v, h) where v has these probabilities and h follows p(h | v), by sums over both."""
    joint = probabilities[:, None] * machine.joint / machine.joint.sum(axis=1, keepdims=True)
    return RBM(
        np.einsum("vh,vi,hj->ij", joint, machine.visible, machine.hidden),
        joint.sum(axis=1) @ machine.visible,
        joint.sum(axis=0) @ machine.hidden,
    )


def empirical(machine, data):
    """The share of each visible state among the rows of ``data``."""
    return (machine.visible[:, None] == np.asarray(data)[None]).all(-1).mean(axis=1)


def minus(one, other):
    return jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), one, other)


def largest(tree):
    return max(np.abs(leaf).max() for leaf in jax.tree.leaves(tree))
