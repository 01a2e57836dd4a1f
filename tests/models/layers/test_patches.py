import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.patches import image_patches

CASES = {image_patches: Case(lambda rng: (rng.normal(size=(4, 6, 2)),), {"size": 2})}


def test_patches_are_slices_of_the_image():
    image = np.random.default_rng(0).normal(size=(4, 6, 2)).astype(np.float32)
    found = image_patches(jnp.asarray(image), size=2)
    expected = [image[y : y + 2, x : x + 2].ravel() for y in (0, 2) for x in (0, 2, 4)]
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="4 × 6 is not filled by squares of 3 × 3"):
        image_patches(jnp.asarray(image), size=3)
