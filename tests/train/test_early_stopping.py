"""Oracle of ``train/early_stopping.py``: a plain Python loop over one seed's values."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from train import early_stopping

EVERY = 10  # steps between evaluations
PATIENCES = st.integers(1, 4)
VALUES = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(width=32, allow_nan=False, allow_subnormal=False),
    st.just(math.nan),
    st.just(math.inf),
)
HISTORIES = st.integers(1, 4).flatmap(
    lambda seeds: st.lists(st.lists(VALUES, min_size=seeds, max_size=seeds), min_size=1, max_size=12)
)
update = jax.jit(early_stopping.update, static_argnames="patience")


class Kept(NamedTuple):
    value: float
    evaluation: int  # 0 is before the first
    stopped_after: int | None


def oracle(values: list[float], patience: int) -> Kept:
    """One seed alone, stopped when its patience runs out."""
    best, evaluation, waited = math.inf, 0, 0
    for number, value in enumerate(values, start=1):
        if value < best:
            best, evaluation, waited = value, number, 0
        else:
            waited += 1
        if waited == patience:
            return Kept(best, evaluation, number)
    return Kept(best, evaluation, None)


def parameters(seeds: int, evaluation: int) -> dict:
    """Parameters that name their seed and evaluation."""
    name = 100.0 * np.arange(seeds) + evaluation
    return {
        "w": jnp.asarray(name[:, None, None] * np.ones((2, 3)), jnp.float32),
        "n": {"b": jnp.asarray(name, jnp.int32)},
    }


def run(history: np.ndarray, patience: int, *, first_seed: int = 0) -> list[early_stopping.Best]:
    """The best after each evaluation of all seeds, those of ``history``'s columns."""
    seeds = history.shape[1]

    def own(evaluation: int) -> dict:
        return jax.tree.map(lambda leaf: leaf[first_seed:], parameters(first_seed + seeds, evaluation))

    best = early_stopping.start(own(0), seeds)
    seen = [best]
    for evaluation, values in enumerate(history, start=1):
        step = jnp.int32(EVERY * evaluation)
        best = update(best, own(evaluation), jnp.asarray(values, jnp.float32), step, patience=patience)
        seen.append(best)
    return seen


def assert_kept(best: early_stopping.Best, expected: list[Kept]) -> None:
    np.testing.assert_array_equal(best.value, np.array([kept.value for kept in expected], np.float32))
    np.testing.assert_array_equal(best.step, [EVERY * kept.evaluation for kept in expected])
    for seed, kept in enumerate(expected):
        own = jax.tree.map(lambda leaf, s=seed: leaf[s], parameters(len(expected), kept.evaluation))
        jax.tree.map(np.testing.assert_array_equal, jax.tree.map(lambda leaf, s=seed: leaf[s], best.params), own)


@settings(max_examples=40, deadline=None)
@given(history=HISTORIES, patience=PATIENCES)
def test_each_seed_keeps_what_a_plain_loop_keeps(history, patience):
    history = np.array(history, np.float32)
    expected = [oracle(column.tolist(), patience) for column in history.T]
    assert_kept(run(history, patience)[-1], expected)


@settings(max_examples=40, deadline=None)
@given(history=HISTORIES, patience=PATIENCES)
def test_training_is_exhausted_when_the_last_seed_stops(history, patience):
    history = np.array(history, np.float32)
    stops = [oracle(column.tolist(), patience).stopped_after for column in history.T]
    end = math.inf if None in stops else max(stops)
    told = [bool(early_stopping.exhausted(best, patience=patience)) for best in run(history, patience)]
    assert told == [evaluation >= end for evaluation in range(len(history) + 1)]


@settings(max_examples=40, deadline=None)
@given(history=HISTORIES, patience=PATIENCES)
def test_a_seed_of_an_ensemble_ends_as_it_would_alone(history, patience):
    history = np.array(history, np.float32)
    together = run(history, patience)[-1]
    for seed in range(history.shape[1]):
        alone = run(history[:, seed : seed + 1], patience, first_seed=seed)
        stop = next((b for b in alone if bool(early_stopping.exhausted(b, patience=patience))), alone[-1])
        for field in ("params", "value", "step"):
            own = jax.tree.map(lambda leaf, s=seed: leaf[s : s + 1], getattr(together, field))
            jax.tree.map(np.testing.assert_array_equal, own, getattr(stop, field))


def test_waited_counts_evaluations_since_the_best():
    seen = run(np.array([[5.0], [6.0], [4.0], [4.0], [4.5]], np.float32), 10)
    assert [int(best.waited[0]) for best in seen] == [0, 0, 1, 0, 1, 2]


def test_an_equal_value_is_no_improvement():
    best = run(np.array([[1.0], [1.0]], np.float32), 5)[-1]
    assert int(best.step[0]) == EVERY


def test_nan_is_never_the_best():
    history = np.array([[math.nan, 1.0], [2.0, math.nan], [math.nan, 0.5]], np.float32)
    best = run(history, 5)[-1]
    np.testing.assert_array_equal(best.value, np.array([2.0, 0.5], np.float32))
    np.testing.assert_array_equal(best.step, [2 * EVERY, 3 * EVERY])


def test_only_nan_keeps_the_beginning():
    history = np.full((3, 1), math.nan, np.float32)
    best = run(history, 3)[-1]
    assert (float(best.value[0]), int(best.step[0]), bool(early_stopping.exhausted(best, patience=3))) == (
        math.inf,
        0,
        True,
    )
    np.testing.assert_array_equal(best.params["w"], parameters(1, 0)["w"])


def test_start_survives_the_donation_of_its_parameters():
    params = parameters(2, 7)
    best = early_stopping.start(params, 2)
    jax.jit(lambda p: jax.tree.map(lambda leaf: leaf + 1, p), donate_argnums=0)(params)
    jax.tree.map(np.testing.assert_array_equal, best.params, parameters(2, 7))
