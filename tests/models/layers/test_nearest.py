import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.nearest import nearest

CASES = {nearest: Case(options={"k": 2}, constant_almost_everywhere=True)}

NAN = np.array([np.nan, -np.nan], np.float32)


def test_the_nearest_are_those_of_a_sort_the_first_of_equals_first():
    distances = np.random.default_rng(0).integers(5, size=(20, 9)).astype(np.float32)
    found = nearest(jnp.asarray(distances), k=4)
    np.testing.assert_array_equal(found, np.argsort(distances, axis=1, kind="stable")[:, :4])


@pytest.mark.parametrize("nan", NAN)
def test_a_distance_that_is_no_number_is_the_farthest_whatever_its_sign(nan):
    distances = jnp.asarray(np.array([nan, 3.0, np.inf, 1.0, nan], np.float32))
    np.testing.assert_array_equal(nearest(distances, k=2), [3, 1])
    assert set(np.asarray(nearest(distances, k=5))[2:].tolist()) == {0, 2, 4}


@pytest.mark.parametrize("k", [0, 4])
def test_more_than_there_are_cannot_be_taken(k):
    with pytest.raises(ValueError, match=f"cannot take the {k} nearest of 3 examples"):
        nearest(jnp.zeros(3), k=k)
