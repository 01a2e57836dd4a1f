import jax.numpy as jnp
import numpy as np
from cases import Case

from models.layers.causal_conv import convolve_causal

CASES = {convolve_causal: Case(options={"dilation": 2})}


def test_it_is_the_sum_over_earlier_places(float64):
    rng = np.random.default_rng(0)
    sequences, kernel = rng.normal(size=(2, 7, 3)), rng.normal(size=(3, 3, 4))
    expected = np.zeros((2, 7, 4))
    for place in range(7):
        for k in range(3):
            if (source := place - 2 * (2 - k)) >= 0:
                expected[:, place] += sequences[:, source] @ kernel[k]
    found = convolve_causal(jnp.asarray(sequences), jnp.asarray(kernel), dilation=2)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
