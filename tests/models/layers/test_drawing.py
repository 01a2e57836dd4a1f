"""Draws against the distribution that is left, found by enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from programs import jit_of_draws

from models.layers.drawing import draw_symbol, keep_top_k, keep_top_p

CASES = {
    keep_top_k: Case(options={"k": 2}),
    keep_top_p: Case(options={"p": 0.6}),
    draw_symbol: Case(constant_almost_everywhere=True),
}
LOGITS = jnp.log(jnp.asarray([0.1, 0.4, 0.05, 0.3, 0.15]))
DRAWS = 20_000


def kept(logits):
    return np.flatnonzero(np.isfinite(logits)).tolist()


@pytest.mark.parametrize(("k", "expected"), [(1, [1]), (2, [1, 3]), (4, [0, 1, 3, 4]), (9, [0, 1, 2, 3, 4])])
def test_top_k_keeps_the_likeliest(k, expected):
    assert kept(keep_top_k(LOGITS, k=k)) == expected


@pytest.mark.parametrize(
    ("p", "expected"), [(0.01, [1]), (0.39, [1]), (0.5, [1, 3]), (0.8, [1, 3, 4]), (1.0, [0, 1, 2, 3, 4])]
)
def test_the_nucleus_is_the_fewest_symbols_that_reach_p(p, expected):
    assert kept(keep_top_p(LOGITS, p=p)) == expected


def test_equals_stay_or_go_together():
    equal = jnp.asarray([1.0, 2.0, 1.0, 0.0])
    assert kept(keep_top_k(equal, k=2)) == [0, 1, 2]
    assert kept(keep_top_p(equal, p=0.6)) == [0, 1, 2]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_nan_is_never_drawn_and_pushes_nothing_out(sign):
    """Of either sign: JAX' ``top_k`` would rank one of them first and the other last."""
    logits = LOGITS.at[1].set(jnp.copysign(jnp.nan, sign))
    assert kept(keep_top_k(logits, k=2)) == [3, 4]
    assert kept(keep_top_p(logits, p=0.5)) == [3]
    keys = jax.random.split(jax.random.key(0), 100)
    for options in ({}, {"temperature": 0.0}, {"top_k": 2}, {"top_p": 0.9}):
        drawn = jit_of_draws(jax.vmap(lambda key, options=options: draw_symbol(key, logits, **options)))(keys)
        assert not (np.asarray(drawn) == 1).any()


@pytest.mark.parametrize("options", [{"temperature": 1e-40}, {"top_p": 0.5}], ids=["cold", "nucleus"])
def test_what_is_certain_is_drawn_whatever_the_scale(options):
    """Quotients by a small temperature overflow, and an infinite logit is no number less than another."""
    key = jax.random.key(0)
    assert draw_symbol(key, jnp.asarray([3.0, 5.0, 1.0, 5.0 - 1e-3]), **options | {"top_k": 1}) == 1
    assert draw_symbol(key, jnp.asarray([3.0, 5.0, jnp.inf]), **options) == 2


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [0.1, 0.4, 0.05, 0.3, 0.15]),
        ({"temperature": 0.5}, [0.01, 0.16, 0.0025, 0.09, 0.0225]),
        ({"top_k": 2}, [0, 0.4, 0, 0.3, 0]),
        ({"top_p": 0.8}, [0, 0.4, 0, 0.3, 0.15]),
        ({"top_k": 3, "top_p": 0.6}, [0, 0.4, 0, 0.3, 0]),
        ({"temperature": 2.0, "top_k": 1}, [0, 1, 0, 0, 0]),
        ({"temperature": 0.0}, [0, 1, 0, 0, 0]),
    ],
)
def test_frequencies_are_those_of_what_is_left(options, weights):
    """Within five standard errors. With k = 3, {.4, .3, .15} of .85: the two likeliest have .82 of it, more than .6."""
    probabilities = np.array(weights) / np.sum(weights)
    keys = jax.random.split(jax.random.key(1), DRAWS)
    drawn = np.asarray(jit_of_draws(jax.vmap(lambda key: draw_symbol(key, LOGITS, **options)))(keys))
    found = np.bincount(drawn, minlength=5) / DRAWS
    error = np.sqrt(probabilities * (1 - probabilities) / DRAWS)
    np.testing.assert_array_less(np.abs(found - probabilities), 5 * error + 1e-12)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_equals_in_half_precision_are_drawn_equally_often(dtype):
    """Within five standard errors of the mean index of 1,000; of noise in bfloat16 it would be 128."""
    keys, logits = jax.random.split(jax.random.key(2), 2000), jnp.zeros(1000, dtype)
    drawn = np.asarray(jit_of_draws(jax.vmap(lambda key: draw_symbol(key, logits)))(keys))
    assert abs(drawn.mean() - 499.5) < 5 * 1000 / np.sqrt(12 * len(keys))


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [(keep_top_k, {"k": 0}, "k=0"), (keep_top_p, {"p": 0.0}, "p=0"), (keep_top_p, {"p": 1.5}, "p=1.5")],
)
def test_what_leaves_nothing_is_refused(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(LOGITS, **options)


def test_a_negative_temperature_is_refused():
    with pytest.raises(ValueError, match="got -1"):
        draw_symbol(jax.random.key(0), LOGITS, temperature=-1.0)
