"""Dreams beside the published loop written out, on a linear net at the closed form, and of pictures of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from PIL import Image
from trained import measured, trained

from experiments.errors import WrongInput
from experiments.networks.digit_classifier.classifier import Classifier, digit_classifier
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.vision.deep_dream import experiment
from experiments.vision.deep_dream.dreams import Aim, in_channels
from experiments.vision.deep_dream.experiment import dreamer
from models.convnets.convolutionalized import fully_convolutional
from models.convnets.pattern_net import pattern_net
from models.feature_maps import feature_maps, show
from models.layers.jitter import random_shift
from train.task import initial_state


def settings_of(**fields):
    return configure(load("deep_dream").settings(), {"side": 24, "octaves": 2, "steps": 6} | fields)


def dreamt(settings):
    """The picture, and of each aim the picture after each octave."""
    run, params = trained("deep_dream", settings)
    picture = jnp.asarray(run.dataset.whole("train")["image"][0])
    own = jax.tree.map(lambda leaf: leaf[0], params)
    return picture, {name: dreamer(settings).stages(own[name], picture) for name in own}


def shifts_of(steps, jitter):
    """What each step of seed 0 moves the picture by."""
    state = initial_state(jax.random.key(0), {}, ())
    keys = [jax.random.split(jax.random.fold_in(jax.random.fold_in(state.key, t), 0), 1)[0] for t in range(steps)]
    return [tuple(np.asarray(random_shift(key, most=jitter))) for key in keys]


def published_loop(picture, objective, sizes, shifts, step_size):
    """Mordvintsev et al. 2015: details are carried over from octave to octave, the picture is rolled and rolled back,
    and steps are divided by the mean of |g|.
    """
    steps = len(shifts) // len(sizes)
    detail, found, slope = np.zeros((*sizes[0], 3), np.float32), [], jax.jit(jax.grad(objective))
    for octave, size in enumerate(sizes):
        base = np.asarray(jax.image.resize(picture, (*size, 3), "linear"))
        detail = np.asarray(jax.image.resize(detail, (*size, 3), "linear"))
        image = base + detail
        for shift in shifts[octave * steps : (octave + 1) * steps]:
            image = np.roll(image, shift, axis=(0, 1))
            gradient = np.asarray(slope(jnp.asarray(image)))
            image = np.clip(image + step_size / np.abs(gradient).mean() * gradient, 0, 1)
            image = np.roll(image, np.negative(shift), axis=(0, 1))
        detail = image - base
        found.append(image)
    return found


@pytest.mark.parametrize("jitter", [0, 3])
def test_it_is_the_published_loop(jitter):
    settings = settings_of(
        net="digits",
        channel=3,
        step_size=0.006,
        jitter=jitter,
        blur=0.0,
        octaves=3,
        steps=9,
        layer="relu2",
        side=32,
        octave_scale=1.5,
    )
    classifier = digit_classifier()
    net = fully_convolutional(classifier.network, (8, 8, 1))

    def features(image, layer):
        return feature_maps(net, classifier.params, image.mean(axis=-1, keepdims=True)[None])[layer][0]

    objectives = {
        "neuron": lambda image: features(image, "fc5")[..., 3].mean(),
        "layer": lambda image: (features(image, "relu2") ** 2).mean() / 2,
    }
    picture, stages = dreamt(settings)
    assert picture.shape == (21, 32, 3)
    sizes = [(round(21 / 2.25), round(32 / 2.25)), (14, round(32 / 1.5)), (21, 32)]
    for name, objective in objectives.items():
        expected = published_loop(picture, objective, sizes, shifts_of(9, jitter), settings.step_size)
        for found, each in zip(stages[name], expected, strict=True):
            assert found.shape == each.shape
            np.testing.assert_allclose(found, each, atol=2e-4)


class PointwiseNet(nn.Module):
    """Two sums of a pixel's colours."""

    weights: tuple = ((1.0, -2.0), (-0.5, 0.2), (0.3, -0.1))

    @nn.compact
    def __call__(self, images):
        kernel = self.param("kernel", lambda key: jnp.asarray(self.weights))
        return show(self, images @ kernel, "conv1")


def test_on_a_linear_net_every_value_goes_to_the_end_that_its_weight_says(monkeypatch):
    network = PointwiseNet()
    params = network.init(jax.random.key(0), jnp.zeros((1, 4, 4, 3)))
    known = Classifier(network.apply, params, (4, 4, 3), 2, "a known net", network)
    monkeypatch.setitem(experiment.SHIPPED, "patches", lambda: known)
    for channel in (0, 1):
        _, stages = dreamt(settings_of(channel=channel, steps=80, octaves=1, step_size=0.2))
        best = np.asarray(network.weights)[:, channel] > 0
        np.testing.assert_allclose(stages["neuron"][-1], np.broadcast_to(best, (16, 24, 3)), atol=1e-6)


def test_neuron_and_layer_become_more_active_and_values_stay_in_their_range():
    settings = settings_of(net="digits", channel=3, step_size=0.006, side=40, octaves=3, steps=30)
    run, params = trained("deep_dream", settings)
    found = measured(run, params)
    assert found["neuron/activation"] > found["neuron/before"] + 0.1
    assert found["layer/activation"] > 3 * found["layer/before"]
    np.testing.assert_allclose(found["loss"], -found["neuron/activation"] - found["layer/activation"], rtol=1e-5)
    own, picture = dreamer(settings), jnp.asarray(run.dataset.whole("test")["image"][0])
    for name in ("neuron", "layer"):
        end = np.asarray(own.stages(jax.tree.map(lambda leaf: leaf[0], params[name]), picture)[-1])
        assert -1e-6 <= end.min() <= end.max() <= 1 + 1e-6
        change = np.sqrt(((end - np.asarray(picture)) ** 2).mean())
        np.testing.assert_allclose(found[f"{name}/change"], change, rtol=1e-5)
    net, classifier = fully_convolutional(digit_classifier().network, (8, 8, 1)), digit_classifier()
    answers = net.apply(classifier.params, picture.mean(axis=-1, keepdims=True)[None]).argmax(axis=-1)
    np.testing.assert_allclose(found["neuron/places_before"], 100 * (answers == 3).mean(), rtol=1e-5)


def test_of_a_coloured_net_that_pools_everything_a_class_is_one_place(monkeypatch):
    network = pattern_net("CONV 4 → BN → RELU → POOL average all → FC", classes=5)
    params = network.init(jax.random.key(0), jnp.zeros((1, 16, 16, 3)))
    known = Classifier(network.apply, params, (16, 16, 3), 5, "a known net", network)
    monkeypatch.setitem(experiment.SHIPPED, "patches", lambda: known)
    run, params = trained("deep_dream", settings_of(channel=4, layer="relu1", steps=40))
    found = measured(run, params)
    logits = network.apply(known.params, jnp.asarray(run.dataset.whole("test")["image"]))[0]
    np.testing.assert_allclose(found["neuron/before"], logits[4], rtol=1e-4)
    assert found["neuron/activation"] > found["neuron/before"]
    assert found["neuron/places_before"] == 100 * (int(logits.argmax()) == 4)


@pytest.mark.parametrize("size", [(13, 30), (31, 17)])
def test_a_picture_of_the_users_own_of_any_size(tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    picture, stages = dreamt(settings_of(file=tmp_path / "mine.png", side=0, steps=2))
    np.testing.assert_array_equal(picture, pixels / np.float32(255))
    assert stages["neuron"][-1].shape == (*size, 3)
    assert np.isfinite(stages["layer"][-1]).all()


def test_colours_are_seen_as_their_mean_and_greys_as_equal_colours():
    picture = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 3, 4, 3)), jnp.float32)
    grey = in_channels(picture, 1)
    np.testing.assert_allclose(grey[..., 0], picture.mean(axis=-1), rtol=1e-6)
    np.testing.assert_array_equal(in_channels(picture, 3), picture)
    np.testing.assert_array_equal(in_channels(grey, 3), np.repeat(grey, 3, axis=-1))


def test_what_does_not_fit_is_refused_in_one_line():
    for fields, words in (
        (dict(layer="conv9"), "--layer: the net has no layer conv9; it has conv1, bn1, relu1"),
        (dict(neuron_layer="fc9"), "--neuron-layer: the net has no layer fc9"),
        (dict(channel=10, net="digits"), "--channel 10: fc5 has filters 0 to 9"),
        (dict(octaves=5, octave_scale=2.0), "--octaves 5"),
        (dict(side=4, octaves=1, net="digits"), "--octaves 1"),
    ):
        with pytest.raises(WrongInput, match=words) as refused:
            prepare("deep_dream", "default", settings_of(**fields))
        assert "\n" not in str(refused.value)
    assert str(Aim("fc5", 3)) == "fc5, 3"
    assert str(Aim("relu2", None)) == "relu2"


@pytest.mark.parametrize("fields", [{"jitter": 1001}, {"blur": 101.0}])
def test_pictures_move_and_blur_by_what_can_be_computed(fields):
    with pytest.raises(ValueError, match=f"--{next(iter(fields))} must be at most"):
        settings_of(**fields)
