import jax.numpy as jnp
import numpy as np

from losses.metrics.image_quality import peak_signal_to_noise

RNG = np.random.default_rng(0)


def test_the_signal_to_noise_ratio_of_known_errors(float64):
    image = jnp.asarray(RNG.uniform(size=(5, 4, 1)))
    for error, expected in ((1.0, 0.0), (0.1, 20.0), (0.01, 40.0)):
        np.testing.assert_allclose(peak_signal_to_noise(image, image + error), expected, atol=1e-9)
    np.testing.assert_allclose(peak_signal_to_noise(image, image + 1, peak=255.0), 20 * np.log10(255), rtol=1e-12)
    assert peak_signal_to_noise(image, image) == np.inf
