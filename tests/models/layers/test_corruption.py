import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy import stats

from models.layers.corruption import gaussian_noise, masking_noise, salt_and_pepper_noise

CASES = {
    gaussian_noise: Case(options={"level": 0.3}),
    masking_noise: Case(options={"level": 0.3}),
    salt_and_pepper_noise: Case(options={"level": 0.3}),
}

COUNT = 20_000
IMAGE = jnp.linspace(0.1, 0.9, COUNT)


def test_gaussian_noise_has_its_standard_deviation():
    noise = np.asarray(gaussian_noise(jax.random.key(0), IMAGE, level=0.3) - IMAGE)
    assert stats.kstest(noise / 0.3, "norm").pvalue > 0.01


def test_masking_zeroes_its_share_and_nothing_else():
    masked = np.asarray(masking_noise(jax.random.key(0), IMAGE, level=0.3))
    zeros = masked == 0
    np.testing.assert_array_equal(masked[~zeros], np.asarray(IMAGE)[~zeros])
    assert stats.binomtest(int(zeros.sum()), COUNT, 0.3).pvalue > 0.01


def test_salt_and_pepper_are_equally_many():
    noisy = np.asarray(salt_and_pepper_noise(jax.random.key(1), IMAGE, level=0.4))
    changed = noisy != np.asarray(IMAGE)
    assert set(noisy[changed]) == {0.0, 1.0}
    assert stats.binomtest(int(changed.sum()), COUNT, 0.4).pvalue > 0.01
    assert stats.binomtest(int((noisy[changed] == 1).sum()), int(changed.sum()), 0.5).pvalue > 0.01


@pytest.mark.parametrize("corrupt", [gaussian_noise, masking_noise, salt_and_pepper_noise])
def test_level_zero_changes_nothing(corrupt):
    np.testing.assert_array_equal(corrupt(jax.random.key(0), IMAGE, level=0.0), IMAGE)
