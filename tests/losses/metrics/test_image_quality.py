import jax
import jax.numpy as jnp
import numpy as np

from losses.metrics.image_quality import gradient_energy, peak_signal_to_noise

RNG = np.random.default_rng(0)


def test_the_signal_to_noise_ratio_of_known_errors(float64):
    image = jnp.asarray(RNG.uniform(size=(5, 4, 1)))
    for error, expected in ((1.0, 0.0), (0.1, 20.0), (0.01, 40.0)):
        np.testing.assert_allclose(peak_signal_to_noise(image, image + error), expected, atol=1e-9)
    np.testing.assert_allclose(peak_signal_to_noise(image, image + 1, peak=255.0), 20 * np.log10(255), rtol=1e-12)
    assert peak_signal_to_noise(image, image) == np.inf


def test_the_energy_is_a_sum_over_neighbours_and_by_parsevals_theorem_one_over_frequencies(float64):
    image = RNG.uniform(size=(6, 6, 2))
    rows, columns = ((np.roll(image, -1, axis) - image) ** 2 for axis in (0, 1))
    np.testing.assert_allclose(gradient_energy(jnp.asarray(image)), rows[:-1].sum() + columns[:, :-1].sum(), rtol=1e-12)
    power = np.abs(np.fft.fft2(image, axes=(0, 1))) ** 2 / 36
    weight = 4 * np.sin(np.pi * np.fft.fftfreq(6)) ** 2
    around = (power * (weight[:, None] + weight)[..., None]).sum()
    edges = ((image[0] - image[-1]) ** 2).sum() + ((image[:, 0] - image[:, -1]) ** 2).sum()
    np.testing.assert_allclose(gradient_energy(jnp.asarray(image)), around - edges, rtol=1e-12)


def test_a_mean_of_images_is_never_sharper_than_they_are():
    images = jnp.asarray(RNG.uniform(size=(20, 8, 8, 1)), jnp.float32)
    assert gradient_energy(images.mean(axis=0)) < 0.1 * jax.vmap(gradient_energy)(images).mean()
