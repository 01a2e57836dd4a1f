"""Shares of what is hidden, replaced and kept, within five standard errors; nothing else changes."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case
from programs import jit_of_draws

from models.layers.masking import mask_symbols

CASES = {mask_symbols: Case(options={"share": 0.5, "mask": 1, "first": 2, "symbols": 5})}
PLACES, SHARE, SYMBOLS = 40_000, 0.15, 10


def test_shares_are_berts():
    text = jax.random.randint(jax.random.key(0), (PLACES,), 2, 2 + SYMBOLS)
    mask = jit_of_draws(lambda key: mask_symbols(key, text, share=SHARE, mask=1, first=2, symbols=SYMBOLS))
    seen, asked = map(np.asarray, mask(jax.random.key(1)))
    changed = seen != np.asarray(text)
    assert not (changed & ~asked).any()
    of_asked = seen[asked] == 1, changed[asked] & (seen[asked] != 1)
    # A random symbol is by chance the one that stood there in a tenth of cases.
    expected = SHARE, 0.8, 0.1 * (1 - 1 / SYMBOLS)
    counts = PLACES, asked.sum(), asked.sum()
    for found, share, count in zip((asked, *of_asked), expected, counts, strict=True):
        assert abs(found.mean() - share) < 5 * np.sqrt(share * (1 - share) / count)
    drawn = np.bincount(seen[asked & changed & (seen != 1)], minlength=2 + SYMBOLS)[2:]
    assert drawn.min() > 0
    assert drawn.sum() == of_asked[1].sum()


def test_nothing_is_asked_of_a_share_of_zero():
    text = jnp.arange(2, 9)
    seen, asked = mask_symbols(jax.random.key(0), text, share=0.0, mask=1, first=2, symbols=7)
    assert not asked.any()
    np.testing.assert_array_equal(seen, text)
