import jax.numpy as jnp
import numpy as np
import scipy.special
import scipy.stats

from losses.metrics.classifier_score import classifier_score


def test_it_is_the_exponential_of_the_mean_divergence(float64):
    logits = np.random.default_rng(0).normal(0, 3, (50, 7))
    probabilities = scipy.special.softmax(logits, axis=1)
    divergences = [scipy.stats.entropy(each, probabilities.mean(axis=0)) for each in probabilities]
    np.testing.assert_allclose(classifier_score(jnp.asarray(logits)), np.exp(np.mean(divergences)), rtol=1e-12)


def test_it_counts_the_classes_of_which_a_sure_classifier_sees_as_many():
    sure = 50 * jnp.eye(10)
    np.testing.assert_allclose(classifier_score(jnp.tile(sure, (3, 1))), 10, rtol=1e-5)
    np.testing.assert_allclose(classifier_score(jnp.tile(sure[:4], (3, 1))), 4, rtol=1e-5)
    np.testing.assert_allclose(classifier_score(jnp.zeros((6, 10))), 1, rtol=1e-6)
