"""How sure a classifier is of generated images, and how many kinds of them it sees."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def classifier_score(logits: Float[Array, "images classes"]) -> Float[Array, ""]:
    """From 1 to the number of classes: high where each image is surely of one class, and all classes are as frequent.

        exp(mean_i KL(p(y | x_i) ‖ mean_j p(y | x_j)))

    The inception score of another classifier. It does not see how images of one class differ. Salimans et al. 2016,
    section 4.
    """
    log_probabilities = jax.nn.log_softmax(logits)
    mean = jnp.mean(jnp.exp(log_probabilities), axis=0)
    divergences = jnp.sum(jnp.exp(log_probabilities) * (log_probabilities - jnp.log(mean)), axis=1)
    return jnp.exp(jnp.mean(divergences))
