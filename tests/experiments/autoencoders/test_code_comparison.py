"""PCA and the nets stand on the same images, with codes of the same sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.decomposition
from trained import held_out, measured, trained

from experiments.autoencoders.code_comparison.experiment import CodeComparisonSettings, networks
from experiments.run.settings import configure


def test_its_numbers_are_those_of_the_reconstructions():
    settings = configure(CodeComparisonSettings(), widths=(12, 6), latent=4, steps=5)
    run, params = trained("code_comparison", settings)
    found = measured(run, params) | held_out(run, params)
    train = run.dataset.splits["train"]["image"].reshape(-1, 64)
    test = run.dataset.splits["test"]["image"].reshape(-1, 64)
    for size, count in (("two", 2), ("many", 4)):
        theirs = sklearn.decomposition.PCA(count).fit(train)
        error = np.sum((test - theirs.inverse_transform(theirs.transform(test))) ** 2, axis=1)
        assert found[f"pca_{size}/squared_error"] == pytest.approx(error.mean(), rel=1e-4)
    nets = networks(settings, run.dataset)
    for name, net in nets.items():
        own = jax.tree.map(lambda leaf: leaf[0], params[name])
        decoded = net.apply(own, jnp.asarray(test.reshape(-1, 8, 8, 1)))["decoded"]
        again = np.asarray(jax.nn.sigmoid(decoded)).reshape(-1, 64)
        assert found[f"{name}/squared_error"] == pytest.approx(np.sum((test - again) ** 2, axis=1).mean(), rel=1e-5)
    each = [found[f"held-out {name}/loss"] for name in nets]
    assert found["held-out loss"] == pytest.approx(np.mean(each), rel=1e-6)


def test_the_nonlinear_net_has_one_layer_on_either_side_and_the_deep_one_all():
    settings = configure(CodeComparisonSettings(), widths=(12, 6, 5), latent=4)
    nets = networks(settings, settings.images.load())
    assert {name: (net.encoder.head.latent, net.encoder.widths, net.decoder.widths) for name, net in nets.items()} == {
        "nonlinear_two": (2, (12,), (12,)),
        "deep_two": (2, (12, 6, 5), (5, 6, 12)),
        "nonlinear_many": (4, (12,), (12,)),
        "deep_many": (4, (12, 6, 5), (5, 6, 12)),
    }
