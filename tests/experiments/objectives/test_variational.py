"""What variational autoencoders minimise by their settings, and what keeps a latent in use."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_gaussian import LATENT, close, in_training, keys

from experiments.autoencoders.vae.experiment import EXPERIMENT, VAESettings, evaluate, evaluate_whole
from experiments.cli.flags import parse_flags
from experiments.datasets.dataset import Dataset
from experiments.errors import WrongInput
from experiments.objectives.evidence_bounds import count_active_units, negative_elbo
from experiments.objectives.observation import identity
from experiments.objectives.variational import held_out_loss, training_loss, variational_task
from experiments.run.settings import configure

SMALL = {"widths": (8,), "latent": 3, "binarization": "none"}


def halves(count=200):
    """Bits of 4×4 pixels, of which each half of the image is one bit."""
    bits = np.random.default_rng(0).integers(2, size=(count, 2))
    images = np.repeat(np.repeat(bits, 2, axis=1)[:, None, :, None], 4, axis=1).astype(np.float32)
    splits = {split: {"image": images} for split in ("train", "valid", "test")}
    return Dataset("halves", "halves", "none", splits, levels=2)


def small(**fields):
    return configure(VAESettings(), SMALL | fields)


def test_free_bits_replace_the_kl_of_dimensions_that_are_nearly_off(ppca):
    """With λ above every dimension's KL the loss is the reconstruction and λ for each of them; with λ = 0 the ELBO."""
    batch, example_keys = {"image": ppca.images}, keys(len(ppca.images))
    given = in_training(ppca.model.apply), ppca.likelihood, identity
    losses, parts = negative_elbo(*given, samples=1, beta=2.0, free=50.0)(ppca.params, batch, example_keys)
    close(losses, parts["reconstruction"] + 2.0 * LATENT * 50.0)
    losses, parts = negative_elbo(*given, samples=1, beta=2.0, free=1e-9)(ppca.params, batch, example_keys)
    close(losses, parts["reconstruction"] + 2.0 * parts["kl"])


def test_a_decoder_that_ignores_its_latent_has_no_active_units():
    """Its first layer is zero and gets no gradient, for it feeds dead units only: the KL switches all latents off."""
    dataset, settings = halves(), small(steps=300, learning_rate=0.02, importance_samples=2)
    task, (images, count, _) = variational_task(settings, dataset), evaluate_whole(settings, dataset)
    batch = jax.tree.map(jnp.asarray, dataset.splits["train"])

    def deaf(params):
        layer = params["params"]["decoder"]["MLP_0"]["Dense_0"]
        dead = {"kernel": jnp.zeros_like(layer["kernel"]), "bias": jnp.full_like(layer["bias"], -1.0)}
        decoder = params["params"]["decoder"] | {"MLP_0": {"Dense_0": dead}}
        return {"params": params["params"] | {"decoder": decoder}}

    @jax.jit
    def trained(state):
        """What is measured after training on the whole of the data."""
        state, _ = jax.lax.scan(lambda s, _: task.step(s, batch), state, None, settings.loop.steps)
        kl = evaluate(settings, dataset)(state.params, batch, keys(200))["kl"]
        return kl.mean(), count(state.params, jnp.asarray(images), jax.random.key(0))["active_units"]

    state = task.init(jax.random.key(0))
    kl, active = trained(state._replace(params=deaf(state.params)))
    assert active == 0
    assert kl < 0.01
    kl, active = trained(state)
    assert active >= 2
    assert kl > 1.0


def test_active_units_are_those_of_the_images_given(ppca):
    images, count, _ = count_active_units(ppca.model.apply, identity, ppca.images)
    np.testing.assert_array_equal(images, ppca.images)
    assert count(ppca.params, images, jax.random.key(0)) == {"active_units": LATENT}
    blind = jax.tree.map(jnp.zeros_like, ppca.params)
    assert count(blind, images, jax.random.key(0)) == {"active_units": 0}


def test_warm_up_weighs_the_kl_by_the_step_and_evaluation_does_not():
    dataset, settings = halves(), small(beta=2.0, beta_warmup=10)
    params = variational_task(settings, dataset).init(jax.random.key(0)).params
    batch = jax.tree.map(jnp.asarray, dataset.head("train", 5))
    loss_at = jax.jit(lambda step: training_loss(settings, dataset)(step)(params, batch, keys(5)))
    for step, beta in ((0, 0.0), (5, 1.0), (10, 2.0), (99, 2.0)):
        losses, parts = loss_at(jnp.asarray(step))
        np.testing.assert_allclose(losses, parts["reconstruction"] + beta * parts["kl"], rtol=1e-5)
    losses, parts = held_out_loss(settings, dataset)(params, batch, keys(5))
    np.testing.assert_allclose(losses, parts["reconstruction"] + 2.0 * parts["kl"], rtol=1e-5)


def test_dropout_and_free_bits_are_in_the_training_loss_alone():
    dataset, settings = halves(), small(dropout=0.5, free_bits=50.0)
    params = variational_task(settings, dataset).init(jax.random.key(0)).params
    batch = jax.tree.map(jnp.asarray, dataset.head("train", 5))
    noisy, plain = (configure(settings, **fields) for fields in ({}, {"dropout": 0.0, "free_bits": 0.0}))
    np.testing.assert_array_equal(*(held_out_loss(each, dataset)(params, batch, keys(5))[0] for each in (noisy, plain)))
    step = jnp.asarray(0)
    losses, parts = training_loss(noisy, dataset)(step)(params, batch, keys(5))
    np.testing.assert_allclose(losses, parts["reconstruction"] + 3 * 50.0, rtol=1e-5)
    clear = training_loss(plain, dataset)(step)(params, batch, keys(5))[1]
    assert (parts["reconstruction"] != clear["reconstruction"]).all()


@pytest.mark.parametrize("flag", [("--beta", "2.0"), ("--beta-warmup", "5"), ("--free-bits", "0.1")])
def test_the_importance_weighted_bound_has_no_kl_term_to_weigh(flag):
    with pytest.raises(WrongInput, match=f"{flag[0]} has no effect with --objective iwae, which has no KL term"):
        parse_flags(EXPERIMENT.settings(), ["--objective", "iwae", *flag], prog="lectern run vae")


def test_free_bits_need_the_whole_batch():
    with pytest.raises(ValueError, match="whole batch"):
        configure(VAESettings(), free_bits=0.1, accumulate=2)


def test_likelihoods_of_grey_values_need_grey_values():
    with pytest.raises(ValueError, match="add --binarization none"):
        configure(VAESettings(), likelihood="gaussian")
