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
