"""What keeps a latent in use, and how that is counted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_gaussian import (
    LATENT,
    close,
    in_training,
    keys,
)

from experiments.autoencoders.vae.experiment import VAESettings, evaluate, loss_of_step, task
from experiments.objectives.variational import (
    as_they_are,
    count_active_units,
    negative_elbo,
)


def test_free_bits_replace_the_kl_of_dimensions_that_are_nearly_off(ppca):
    """With λ above every dimension's KL the loss is the reconstruction and λ for each of them; with λ = 0 the ELBO."""
    batch, example_keys = {"image": ppca.images}, keys(len(ppca.images))
    given = in_training(ppca.model.apply), ppca.likelihood, as_they_are
    losses, parts = negative_elbo(*given, samples=1, beta=2.0, free=50.0)(ppca.params, batch, example_keys)
    close(losses, parts["reconstruction"] + 2.0 * LATENT * 50.0)
    losses, parts = negative_elbo(*given, samples=1, beta=2.0, free=1e-9)(ppca.params, batch, example_keys)
    close(losses, parts["reconstruction"] + 2.0 * parts["kl"])


class Digits:
    """As much of a data set as a task needs: bits of 4×4 pixels, of which each half of the image is one bit."""

    image_shape, levels = (4, 4, 1), 2

    def __init__(self, count=200):
        halves = np.random.default_rng(0).integers(2, size=(count, 2))
        self.images = np.repeat(np.repeat(halves, 2, axis=1)[:, None, :, None], 4, axis=1).astype(np.float32)

    def head(self, split, count):
        return {"image": self.images[:count]}


def trained(settings, dataset, start=None):
    """The parameters after the task's steps on the whole of the data; ``start`` changes the first ones."""
    made = task(settings, dataset)
    state = made.init(jax.random.key(0))
    state = state._replace(params=(start or (lambda params: params))(state.params))
    batch = {"image": jnp.asarray(dataset.images)}
    state, _ = jax.jit(lambda s: jax.lax.scan(lambda s, _: made.step(s, batch), s, None, settings.steps))(state)
    return state.params


def test_a_decoder_that_ignores_its_latent_has_no_active_units():
    """Its first layer is zero and gets no gradient, for it feeds dead units only: the KL switches all latents off."""
    dataset = Digits()
    settings = VAESettings(steps=300, widths=(8,), latent=3, binarization="none", learning_rate=0.02)

    def deaf(params):
        layer = params["params"]["decoder"]["MLP_0"]["Dense_0"]
        dead = {"kernel": jnp.zeros_like(layer["kernel"]), "bias": jnp.full_like(layer["bias"], -1.0)}
        decoder = params["params"]["decoder"] | {"MLP_0": {"Dense_0": dead}}
        return {"params": params["params"] | {"decoder": decoder}}

    units = {}
    for name, start in (("deaf", deaf), ("hearing", None)):
        params = trained(settings, dataset, start)
        model_and = evaluate(settings, dataset)
        batch = {"image": jnp.asarray(dataset.images[:20])}
        metrics = jax.jit(model_and)(params, batch, keys(20))
        units[name] = float(metrics["active_units"][0]), float(metrics["kl"].mean())
    assert units["deaf"][0] == 0
    assert units["deaf"][1] < 0.01
    assert units["hearing"][0] >= 2
    assert units["hearing"][1] > 1.0


def test_active_units_are_those_of_the_images_given(ppca):
    count = count_active_units(ppca.model.apply, as_they_are, ppca.images)
    assert count(ppca.params) == LATENT
    blind = jax.tree.map(jnp.zeros_like, ppca.params)
    assert count(blind) == 0


def test_warm_up_weighs_the_kl_by_the_step_and_evaluation_does_not():
    dataset = Digits()
    settings = VAESettings(widths=(8,), latent=3, binarization="none", beta=2.0, beta_warmup=10)
    params = task(settings, dataset).init(jax.random.key(0)).params
    batch = {"image": jnp.asarray(dataset.images[:5])}
    for step, beta in ((0, 0.0), (5, 1.0), (10, 2.0), (99, 2.0)):
        losses, parts = loss_of_step(settings, dataset)(jnp.asarray(step))(params, batch, keys(5))
        np.testing.assert_allclose(losses, parts["reconstruction"] + beta * parts["kl"], rtol=1e-5)


@pytest.mark.parametrize("wrong", [{"beta": 2.0}, {"beta_warmup": 5}, {"free_bits": 0.1}])
def test_the_importance_weighted_bound_has_no_kl_term_to_weigh(wrong):
    with pytest.raises(ValueError, match="no KL term"):
        VAESettings(objective="iwae", **wrong)


def test_free_bits_need_the_whole_batch():
    with pytest.raises(ValueError, match="whole batch"):
        VAESettings(free_bits=0.1, accumulate=2)
