"""What each kind of autoencoder is for, seen after training it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.autoencoders.autoencoder.experiment import EXPERIMENT, AutoencoderSettings
from experiments.cli.flags import parse_flags
from experiments.errors import WrongInput
from experiments.run.settings import configure
from losses.sparsity import SPARSITIES


def preset(name, **fields):
    return configure(AutoencoderSettings(), EXPERIMENT.card.all_presets[name] | fields)


def after_training(name, **fields):
    return measured(*trained("autoencoder", preset(name, **fields)))


def test_a_linear_autoencoder_spans_the_subspace_of_pca():
    found = after_training("linear", latent=4, steps=6000)
    assert found["angle_to_pca"] < 1e-2
    assert found["squared_error"] == pytest.approx(found["pca_squared_error"], rel=1e-3)


def test_a_deep_autoencoder_reconstructs_better_than_pca():
    found = after_training("default", widths=(128,), steps=1000)
    assert found["squared_error"] < 0.75 * found["pca_squared_error"]


@pytest.mark.parametrize("distance", ["kl", "l1", "l2"])
def test_the_mean_activation_comes_to_its_target(distance):
    weight = {"kl": 10.0, "l1": 10.0, "l2": 200.0}[distance]
    fields = {"sparsity": weight, "sparsity_distance": distance, "target_activation": 0.1}
    assert after_training("sparse_kl", latent=32, steps=1000, **fields)["mean_activation"] == pytest.approx(
        0.1, abs=0.02
    )


def test_a_mean_activation_is_measured_of_the_whole_set():
    """The distance of the mean code of all test images, and a held-out loss without it, at every evaluation batch."""
    run, params = trained("autoencoder", preset("sparse_kl", latent=6, steps=5))
    found = assert_same_at_every_evaluation_batch(run, params)
    model = run.settings.architecture.build(run.dataset).network
    images = jnp.asarray(run.dataset.head("test", 40)["image"])
    codes = model.apply(jax.tree.map(lambda leaf: leaf[0], params), images, method="encode")
    expected = float(SPARSITIES["kl"](codes.mean(axis=0), target=0.05))
    assert found["sparsity_distance"] == pytest.approx(expected, rel=1e-5)
    assert found["held-out penalty"] == 0


def test_a_k_sparse_code_has_k_numbers():
    assert after_training("k_sparse", steps=50)["nonzero"] == 10


def test_the_l1_term_empties_codes():
    few, many = (after_training("sparse_l1", steps=800, activity=weight)["nonzero"] for weight in (0.3, 0.0))
    assert few < 0.5 * many


@pytest.mark.parametrize("corruption", ["gaussian", "masking", "salt_and_pepper"])
def test_noise_is_removed(corruption):
    """What is restored is nearer to the clean image than what was given, by 4 dB."""
    found = after_training("denoising", corruption=corruption, widths=(128,), steps=500)
    assert found["denoised_psnr"] > found["noisy_psnr"] + 4


def test_the_contraction_shrinks_the_jacobian():
    """Its weight makes what it penalises smaller."""

    def contraction_after(weight):
        settings = preset("contractive", latent=32, batch_size=256, steps=300, contraction=weight)
        assert settings.penalties.closed_form
        run, params = trained("autoencoder", settings)
        images = jax.tree.map(jnp.asarray, run.dataset.head("train", 8))
        loss_fn = EXPERIMENT.monitor(preset("contractive", latent=32, contraction=1.0), run.dataset)
        own = jax.tree.map(lambda leaf: leaf[0], params)
        return float(np.mean(loss_fn(own, images, jax.random.split(jax.random.key(0), 8))[1]["penalty"]))

    assert contraction_after(1.0) < 0.3 * contraction_after(1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": 9}, "--keep must be at most --latent 8, got 9"),
        ({"sparsity": 1.0}, "--sparsity-distance kl compares probabilities: add --code-activation sigmoid"),
        (
            {"sparsity": 1.0, "sparsity_distance": "l1", "accumulate": 32},
            "--sparsity is a function of the whole batch: leave out --accumulate",
        ),
        ({"tied": True, "network": "conv"}, "--tied is for dense layers: add --network mlp, or --no-tied"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        configure(AutoencoderSettings(), fields)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--corruption-level", "0.5"], "--corruption-level has no effect without --corruption"),
        (["--target-activation", "0.5"], "--target-activation has no effect without --sparsity"),
        (["--network", "conv", "--activation", "tanh"], "--activation has no effect with --network conv"),
    ],
)
def test_a_flag_without_an_effect_is_refused(flags, message):
    with pytest.raises(WrongInput, match=message):
        parse_flags(AutoencoderSettings(), flags, prog="lectern run autoencoder")
