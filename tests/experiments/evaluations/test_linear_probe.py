"""Linear classifiers of features that are known."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets import load
from experiments.evaluations.codec import pca_codec
from experiments.evaluations.linear_probe import classifier_errors, logits, probe_loss, zero_probes

KEY = jax.random.key(0)
DIGITS = load("digits", data_dir=None, binarization="none")
TRAIN = {name: jnp.asarray(array) for name, array in DIGITS.head("train", 400).items()}
PCA = pca_codec(TRAIN["image"], 10)


def test_probes_see_features_in_a_unit_of_their_own_and_nothing_else_learns():
    """Scaling and shifting a feature changes nothing; the gradient in what makes the features is zero."""
    labels = TRAIN["label"][:50]
    features = {name: PCA.encode(TRAIN["image"][:50]) for name in ("autoencoder",)}
    probes = jax.tree.map(lambda leaf: leaf + jax.random.normal(KEY, leaf.shape), zero_probes(features, 10))
    moved = {"autoencoder": 5 * features["autoencoder"] - 3}
    one, other = (logits(probes, each, each)["autoencoder"] for each in (features, moved))
    np.testing.assert_allclose(one, other, atol=1e-3)

    loss_fn = probe_loss(lambda params: {"autoencoder": params["scale"] * features["autoencoder"]}, labels)
    batch = {"image": TRAIN["image"][:3]}
    losses, _ = loss_fn({"probes": probes, "scale": jnp.ones(())}, batch, None)
    assert losses.shape == (3,)
    expected = -np.mean(jax.nn.log_softmax(one)[np.arange(50), labels])
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    gradient = jax.grad(lambda params: loss_fn(params, batch, None)[0].mean())(
        {"probes": probes, "scale": jnp.ones(())}
    )
    assert gradient["scale"] == 0
    assert np.any(gradient["probes"]["autoencoder"]["kernel"] != 0)
    wrong = np.mean(np.argmax(one, axis=1) != labels) * 100
    np.testing.assert_allclose(classifier_errors(probes, features, features, labels)["autoencoder"], wrong, rtol=1e-5)
