import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from hypothesis import given, settings
from hypothesis import strategies as st

from models.layers.top_k import keep_largest

CASES = {keep_largest: Case(options={"k": 2})}

NUMBERS = st.lists(st.sampled_from([-2.0, -1.0, 0.5, 1.0, 2.0, 3.0]), min_size=1, max_size=7)


@settings(deadline=None, max_examples=60)
@given(NUMBERS, st.data())
def test_exactly_k_of_the_largest_stay(numbers, data):
    """Numbers are few, so there are ties."""
    code = np.array(numbers, np.float32)
    k = data.draw(st.integers(1, len(code)))
    kept = np.asarray(keep_largest(jnp.asarray(code), k=k))
    stays = kept != 0
    assert stays.sum() == k
    np.testing.assert_array_equal(kept[stays], code[stays])
    np.testing.assert_array_equal(np.sort(np.abs(code[stays])), np.sort(np.abs(code))[len(code) - k :])


def test_the_gradient_passes_through_what_stays():
    code, weights = jnp.array([3.0, -5.0, 1.0, 4.0]), jnp.array([1.0, 2.0, 4.0, 8.0])
    gradient = jax.grad(lambda given: weights @ keep_largest(given, k=2))(code)
    np.testing.assert_array_equal(gradient, [0.0, 2.0, 0.0, 8.0])


@pytest.mark.parametrize("k", [0, 4])
def test_a_wrong_k_is_refused(k):
    with pytest.raises(ValueError, match=f"1 to 3 entries to keep .*got k={k}"):
        keep_largest(jnp.zeros(3), k=k)
