"""On a linear net ascent ends at the closed form, and from an invertible layer the image comes back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from trained import assert_same_at_every_evaluation_batch, measured, trained
from whole_runs import smoke_run

from experiments import open_run
from experiments.errors import WrongInput
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.networks.digit_classifier.classifier import Classifier, digit_classifier
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.vision.activation_maximization.units import at_most, layers_with_weights, units_of
from models.feature_maps import feature_maps, show

NORM = 0.3


def settings_of(**fields):
    return configure(load("activation_maximization").settings(), fields)


class LinearNet(nn.Module):
    """An invertible layer of all pixels, and ten sums of them."""

    @nn.compact
    def __call__(self, images):
        flat = images.reshape(len(images), -1)
        first = show(self, nn.Dense(64, use_bias=False, name="mixing")(flat), "fc1")
        return show(self, nn.Dense(10, use_bias=False, name="sums")(first), "fc2")


def linear_classifier():
    rng, network = np.random.default_rng(0), LinearNet()
    mixing = np.eye(64) + 0.05 * rng.normal(size=(64, 64))
    kernels = {"mixing": mixing, "sums": rng.normal(size=(64, 10))}
    params = {"params": {name: {"kernel": jnp.asarray(each, jnp.float32)} for name, each in kernels.items()}}
    return Classifier(network.apply, params, (8, 8, 1), 10, "a known net", network)


@pytest.fixture
def linear(monkeypatch):
    """Every experiment is given the linear net."""
    known = linear_classifier()
    monkeypatch.setattr(ClassifierChoice, "load", lambda self, dataset: known)
    monkeypatch.setattr(ClassifierChoice, "network", lambda self, dataset: known.network)
    return known


def test_of_a_linear_net_pictures_and_inverted_images_are_those_of_the_closed_form(linear):
    """``mean + w / (2λ)`` of each unit, and the end of the range where it lies beyond; ``w`` in standard deviations."""
    settings = settings_of(ways=("none", "norm"), norm=NORM, units=5, invert=3, steps=600, inversion_variation=0.0)
    run, params = trained("activation_maximization", settings)
    pictures, context = jax.tree.map(lambda leaf: np.asarray(leaf[0]), params), run.dataset.context
    mixing, sums = (np.asarray(linear.params["params"][name]["kernel"]) for name in ("mixing", "sums"))
    weights = np.concatenate([mixing.T[at_most(range(64), 5)], (mixing @ sums).T[at_most(range(10), 5)]])
    weights = (weights / context["deviation"][:, None]).reshape(-1, 8, 8, 1)
    best = np.clip(context["mean_image"] + weights / (2 * NORM), 0, 1)
    np.testing.assert_allclose(pictures["maximized"]["norm"], best, atol=2e-3)
    sure = np.abs(weights) > 0.02
    np.testing.assert_allclose(pictures["maximized"]["none"][sure], (weights > 0)[sure], atol=1e-3)
    for kind in ("plain", "regularized"):
        np.testing.assert_allclose(pictures["inverted"][kind][0], run.dataset.whole("test")["image"], atol=2e-3)


@pytest.mark.slow
def test_activations_rise_with_every_regulariser_less_and_errors_of_images_grow_with_depth():
    run, params = trained("activation_maximization", settings_of(units=8, invert=6, steps=150))
    fresh = jax.tree.map(lambda leaf: leaf[None], run.task().init(jax.random.key(0)).params)
    begun, found = measured(run, fresh), measured(run, params)
    for way in run.settings.ways:
        assert found[f"{way}/activation"] > begun[f"{way}/activation"] + 1
        assert found[f"{way}/activation"] <= found["none/activation"] + 0.3
        assert found[f"{way}/variation"] <= found["none/variation"] + 1
    assert found["none/beyond"] > 75
    assert found["together/distance"] < found["none/distance"] - 0.05
    for kind in ("plain", "regularized"):
        first, pooled, last = (found[f"{kind}/layer_{number:02}/image_error"] for number in (1, 3, 11))
        assert first < 0.05 < 0.15 < pooled < last
        assert found[f"{kind}/layer_11/feature_error"] < 5  # features are the image's all the same


def test_activations_are_in_deviations_over_training_images():
    run = prepare("activation_maximization", "default", settings_of(units=3, layers=("conv2", "fc5")))
    classifier, context = digit_classifier(), run.dataset.context
    maps = feature_maps(classifier.network, classifier.params, jnp.asarray(context["images"]))
    expected = np.concatenate([maps["conv2"][:, 2, 2, [0, 8, 15]], maps["fc5"][:, [0, 4, 9]]], axis=1)
    assert maps["conv2"].shape[1:3] == (4, 4)
    for name, of in (("mean", np.mean), ("deviation", np.std), ("largest", np.max)):
        np.testing.assert_allclose(context[name], of(expected, axis=0), rtol=1e-4)


def test_numbers_do_not_depend_on_the_evaluation_batch():
    settings = settings_of(units=2, invert=9, steps=2, ways=("none", "together"), inverted_layers=("relu1", "fc5"))
    run, params = trained("activation_maximization", settings)
    found = assert_same_at_every_evaluation_batch(run, params)
    first, state = jax.tree.map(lambda leaf: leaf[0], params), run.task().init(jax.random.key(0))
    still = configure(settings, jitter=0)
    _, metrics = run._replace(settings=still).task().step(state._replace(params=first), {"index": jnp.arange(1)})
    np.testing.assert_allclose(found["loss"], metrics["loss"], rtol=1e-5)
    assert {"none/beyond", "plain/layer_02/image_error", "held-out regularized/image_error"} <= found.keys()


def test_a_filters_activation_is_the_mean_of_its_map():
    shapes = {"conv1": (4, 4, 3), "relu1": (4, 4, 3), "fc2": (5,)}
    assert layers_with_weights(shapes) == ["conv1", "fc2"]
    maps = {name: jnp.asarray(np.random.default_rng(0).normal(size=(4, *shape))) for name, shape in shapes.items()}
    units = units_of(shapes, ["conv1", "fc2"], most=2, target="filter")
    expected = [*np.diagonal(maps["conv1"].mean(axis=(1, 2))[:2, [0, 2]]), *np.diagonal(maps["fc2"][2:, [0, 4]])]
    np.testing.assert_allclose(units.of_own_picture(maps), expected, rtol=1e-6)
    every = units.of_all_pictures(maps)
    np.testing.assert_allclose(np.diagonal(every), expected, rtol=1e-6)


def test_what_does_not_fit_is_refused_in_one_line():
    with pytest.raises(WrongInput, match="--layers: the net has no layer conv9; it has conv1, relu1"):
        prepare("activation_maximization", "default", settings_of(layers=("conv9",)))
    with pytest.raises(WrongInput, match="none twice, got fc5 fc5"):
        prepare("activation_maximization", "default", settings_of(inverted_layers=("fc5", "fc5")))
    with pytest.raises(ValueError, match="none twice, got norm norm"):
        settings_of(ways=("norm", "norm"))
    assert settings_of(ways=("none", "norm")).idle().keys() >= {"jitter", "blur", "variation", "batch_size"}


def test_a_run_of_another_net_is_looked_into_and_one_of_several_nets_refused(tmp_path, undrawn):
    """Its parameters are read once, and not where a program is compiled."""
    net = smoke_run("convnet", tmp_path / "net")
    fields = {"units": 2, "invert": 2, "ways": ("norm",), "layers": ("conv1", "fc2"), "inverted_layers": ("fc2",)}
    run = smoke_run("activation_maximization", tmp_path / "run", classifier=net, **fields)
    assert open_run(run).params()["maximized"]["norm"].shape == (4, 8, 8, 1)
    several = smoke_run("adversarial", tmp_path / "several")
    with pytest.raises(WrongInput, match="adversarial has no"):
        prepare("activation_maximization", "default", settings_of(classifier=several))
