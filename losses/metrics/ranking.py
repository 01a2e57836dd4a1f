"""How well scores tell one kind of example from another."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def roc_auc(normal: Float[Array, " normal"], anomalous: Float[Array, " anomalous"]) -> Float[Array, ""]:
    """The area under the ROC curve of a score that ought to be greater for anomalies; by chance ½.

        P(score of an anomaly > score of a normal example) + ½ P(equal)

    Hanley & McNeil 1982. An autoencoder's score is its reconstruction error. Lectures 002 and 003, "Anomaly detection".
    """
    above = (anomalous[:, None] > normal[None, :]).astype(normal.dtype)
    equal = (anomalous[:, None] == normal[None, :]).astype(normal.dtype)
    return jnp.mean(above + 0.5 * equal)


def average_precision(negative: Float[Array, " negative"], positive: Float[Array, " positive"]) -> Float[Array, ""]:
    """The area under the curve of precision over recall, as a sum of steps; by chance the share of positives.

        mean_i  #{positives with s ≥ s_i} / #{all with s ≥ s_i},   over the positives i

    Of equal scores none comes before another. Manning et al. 2008, section 8.4; the pairs are counted one by one.
    """
    of_positives = jnp.sum((positive[None, :] >= positive[:, None]).astype(positive.dtype), axis=1)
    of_negatives = jnp.sum((negative[None, :] >= positive[:, None]).astype(positive.dtype), axis=1)
    return jnp.mean(of_positives / (of_positives + of_negatives))
