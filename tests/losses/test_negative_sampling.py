import jax
import jax.numpy as jnp
import numpy as np
from cases import Case

from losses.negative_sampling import negative_sampling_loss

CASES = {negative_sampling_loss: Case()}


def test_it_is_the_cross_entropy_of_a_coin_for_each_word(float64):
    score, negative = jnp.float64(0.3), jnp.array([-0.7, 1.1])
    right = 1 / (1 + np.exp([-0.3, -0.7, 1.1]))
    np.testing.assert_allclose(negative_sampling_loss(score, negative), -np.log(right).sum(), rtol=1e-12)


def test_its_expectation_is_least_at_the_shifted_mutual_information(float64):
    """All pairs of a joint distribution, K = 3 drawn words each: the slope there is 0, and it is convex."""
    joint = np.random.default_rng(0).dirichlet(np.ones(12)).reshape(3, 4)
    word, neighbour = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    shifted = np.log(joint / (word * neighbour)) - np.log(3)

    def expected(scores):
        """Of the true pairs, and by linearity three times that of one word drawn alone."""
        nothing = jnp.zeros(0)
        true = jax.vmap(lambda score: negative_sampling_loss(score, nothing))(scores.ravel())
        drawn = jax.vmap(lambda score: negative_sampling_loss(jnp.float64(jnp.inf), score[None]))(scores.ravel())
        return jnp.sum(joint.ravel() * true) + 3 * jnp.sum((word * neighbour).ravel() * drawn)

    np.testing.assert_allclose(jax.grad(expected)(jnp.asarray(shifted)), 0, atol=1e-12)
