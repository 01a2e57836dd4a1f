"""What each kind of autoencoder is for, seen after training it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.autoencoder.experiment import EXPERIMENT, AutoencoderSettings, evaluate, model_of, monitor
from experiments.cli.flags import replace
from experiments.objectives.reconstruction import Penalties, corruption_of, reconstruction_loss
from experiments.run import runner
from experiments.run.registry import load
from losses.likelihoods import LIKELIHOODS
from models.autoencoder import CodeHead, mlp_autoencoder
from models.dropout import with_dropout
from train.optimizers import make_optimizer
from train.task import supervised

pytestmark = pytest.mark.usefixtures("numbers_alone")


def trained(tmp_path, preset, **fields):
    settings = replace(AutoencoderSettings(), **EXPERIMENT.presets[preset] | fields)
    settings = replace(settings, evaluate_every=settings.steps, save_every=settings.steps)
    run = runner.Run("autoencoder", preset, load("autoencoder"), settings, settings.load())
    summary = runner.start(run, tmp_path / "run")
    return {name: metric["mean"] for name, metric in summary["metrics"].items()}


def test_a_linear_autoencoder_spans_the_subspace_of_pca(tmp_path):
    measured = trained(tmp_path, "linear", latent=4, steps=6000)
    assert measured["angle_to_pca"] < 1e-2
    assert measured["squared_error"] == pytest.approx(measured["pca_squared_error"], rel=1e-3)


def test_a_deep_autoencoder_reconstructs_better_than_pca(tmp_path):
    measured = trained(tmp_path, "default", widths=(128,), steps=1000)
    assert measured["squared_error"] < 0.75 * measured["pca_squared_error"]


@pytest.mark.parametrize("distance", ["kl", "l1", "l2"])
def test_the_mean_activation_comes_to_its_target(tmp_path, distance):
    weight = {"kl": 10.0, "l1": 10.0, "l2": 200.0}[distance]
    fields = {"sparsity": weight, "sparsity_distance": distance, "target_activation": 0.1}
    measured = trained(tmp_path, "sparse_kl", latent=32, steps=1000, **fields)
    assert measured["mean_activation"] == pytest.approx(0.1, abs=0.02)


def test_a_k_sparse_code_has_k_numbers(tmp_path):
    assert trained(tmp_path, "k_sparse", steps=200)["nonzero"] == 10


def test_the_l1_term_empties_codes(tmp_path):
    few, many = (trained(tmp_path / str(w), "sparse_l1", steps=800, activity=w)["nonzero"] for w in (0.3, 0.0))
    assert few < 0.5 * many


@pytest.mark.parametrize(("corruption", "gain"), [("gaussian", 4.0), ("masking", 4.0), ("salt_and_pepper", 4.0)])
def test_noise_is_removed(tmp_path, corruption, gain):
    """What is restored is nearer to the clean image than what was given, by ``gain`` dB."""
    measured = trained(tmp_path, "denoising", corruption=corruption, widths=(128,), steps=1000)
    assert measured["denoised_psnr"] > measured["noisy_psnr"] + gain


def test_the_contraction_shrinks_the_jacobian(tmp_path):
    """Its two forms give the same penalty, and its weight makes what it penalises smaller."""
    settings = AutoencoderSettings(widths=(), latent=32, code_activation="sigmoid", contraction=1.0)
    dataset = settings.load()
    batch, keys = jax.tree.map(jnp.asarray, dataset.head("train", 8)), jax.random.split(jax.random.key(0), 8)
    params = EXPERIMENT.task(settings, dataset).init(jax.random.key(0)).params
    model, likelihood = model_of(settings, dataset)
    apply = partial(with_dropout, rate=0.0, input_rate=0.0)(model.apply)
    clean = corruption_of("none", 0.0)
    closed, by_autodiff = (
        reconstruction_loss(apply, likelihood, clean, Penalties(contraction=1.0, closed_form=form))(params, batch, keys)
        for form in (True, False)
    )
    np.testing.assert_allclose(closed[1]["penalty"], by_autodiff[1]["penalty"], rtol=1e-4)
    assert settings.penalties.closed_form

    def contraction_after(weight):
        run = replace(settings, contraction=weight)
        state, step = EXPERIMENT.task(run, dataset).init(jax.random.key(0)), EXPERIMENT.task(run, dataset).step
        whole = jax.tree.map(lambda leaf: jnp.asarray(leaf[:256]), dataset.splits["train"])
        state, _ = jax.jit(lambda s: jax.lax.scan(lambda s, _: step(s, whole), s, length=300))(state)
        return float(jnp.mean(monitor(settings, dataset)(state.params, batch, keys)[1]["penalty"]))

    assert contraction_after(1.0) < 0.3 * contraction_after(1e-6)


def test_a_linear_denoising_autoencoder_is_the_wiener_filter():
    """Of Gaussian images x ~ N(0, C) and noise of variance s², the best linear restoration is C (C + s²I)⁻¹."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(4, 4)) * np.array([2.0, 1.0, 0.5, 0.2])
    images = jnp.asarray((rng.normal(size=(20_000, 4)) @ factor.T).reshape(-1, 2, 2, 1), jnp.float32)
    model = mlp_autoencoder(CodeHead(4), (2, 2, 1), outputs=1, widths=())
    apply = with_dropout(model.apply, rate=0.0, input_rate=0.0)
    noise = corruption_of("gaussian", 0.8)
    loss_fn = reconstruction_loss(apply, LIKELIHOODS["unit_gaussian"](0), noise, Penalties())
    optimizer = make_optimizer(AutoencoderSettings(learning_rate=2e-2, schedule="cosine"), 4000)
    task = supervised(loss_fn, lambda key: model.init(key, images[:1]), optimizer)
    rows = jax.random.randint(jax.random.key(1), (4000, 500), 0, len(images))
    state, _ = jax.jit(
        lambda state: jax.lax.scan(lambda s, index: task.step(s, {"image": images[index]}), state, rows)
    )(task.init(jax.random.key(0)))

    def restore(flat):
        return model.apply(state.params, flat.reshape(1, 2, 2, 1))["decoded"].reshape(4)

    covariance = np.cov(np.asarray(images).reshape(-1, 4).T)
    wiener = covariance @ np.linalg.inv(covariance + 0.8**2 * np.eye(4))
    # 2·10⁶ noisy images leave about this much chance in each entry
    np.testing.assert_allclose(jax.jacobian(restore)(jnp.zeros(4)), wiener, atol=0.02)


def test_metrics_are_those_of_the_images():
    settings = AutoencoderSettings(corruption="masking", latent=3)
    dataset = settings.load()
    params = EXPERIMENT.task(settings, dataset).init(jax.random.key(0)).params
    batch = jax.tree.map(jnp.asarray, dataset.head("test", 6))
    measured = evaluate(settings, dataset)(params, batch, jax.random.split(jax.random.key(0), 6))
    model, likelihood = model_of(settings, dataset)
    again = np.asarray(likelihood.mean(model.apply(params, batch["image"])["decoded"]))
    difference = (np.asarray(batch["image"]) - again).reshape(6, -1)
    np.testing.assert_allclose(measured["distance"], np.linalg.norm(difference, axis=1), rtol=1e-5)
    np.testing.assert_allclose(measured["psnr"], -10 * np.log10(np.mean(difference**2, axis=1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": 9}, "--keep must be at most --latent 8, got 9"),
        ({"sparsity": 1.0}, "--sparsity-distance kl compares probabilities: add --code-activation sigmoid"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        AutoencoderSettings(**fields)
