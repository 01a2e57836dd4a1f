"""Small forms learn the digits; what is drawn, added and held out in training is what the papers say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import jit_of_draws
from trained import measured, trained

from experiments.convnets.architectures.card import CARD, FULL
from experiments.convnets.architectures.experiment import EXPERIMENT, ArchitecturesSettings
from experiments.datasets import DataError, load
from experiments.objectives.classification import classification_losses
from experiments.objectives.image_classification import image_classification_task, shifted_and_flipped
from experiments.objectives.observation import drawing
from experiments.run.settings import configure
from models.convnets.inception import Branches, InceptionNet
from models.convnets.pattern import Convolution
from models.dropout import with_dropout
from train.task import Draw

DIGITS = load("digits", data_dir=None)


def loss_of_a_step(task, state, batch):
    """Without the gradient, and the keys that the step gives its examples."""
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(state.key, state.step), 0), len(batch["label"]))
    (phase,) = task.phases
    return jit_of_draws(lambda state: phase.gradient(state, batch, keys)[1]["loss"])(state), keys


def preset(name, **fields):
    return configure(ArchitecturesSettings(), CARD.all_presets[name] | fields)


def test_an_image_is_shifted_by_up_to_four_pixels_and_flipped_half_of_the_times():
    image = np.zeros((10, 10, 1), np.float32)
    image[4, 4], image[4, 5] = 1, 2  # the pair tells the side
    draw = jit_of_draws(jax.vmap(shifted_and_flipped, (0, None)))
    drawn = np.asarray(draw(jax.random.split(jax.random.key(0), 2000), image))[..., 0]
    places = [np.argwhere(one == 1)[0] for one in drawn]
    flipped = [column > 0 and one[row, column - 1] == 2 for one, (row, column) in zip(drawn, places, strict=True)]
    assert {int(row) for row, _ in places} == set(range(9))
    assert 0.45 < np.mean(flipped) < 0.56
    assert len({one.tobytes() for one in drawn}) == 2 * 81


def test_only_training_draws_and_each_example_its_own():
    """The loss of a step is that of the images as each key draws them; the monitor sees them as they are."""
    settings = configure(ArchitecturesSettings(), architecture="pattern", pattern="CONV 2 → RELU → FC", augment=True)
    task, model = EXPERIMENT.task(settings, DIGITS), EXPERIMENT.network(settings, DIGITS)
    batch = DIGITS.head("train", 8)
    state = jit_of_draws(task.init)(jax.random.key(0))
    found, keys = loss_of_a_step(task, state, batch)
    images = jit_of_draws(jax.vmap(shifted_and_flipped))(drawing(keys, Draw.OBSERVE), batch["image"])

    def loss(images):
        return classification_losses(model.apply(state.params, images), batch["label"], loss="cross_entropy")[0]

    np.testing.assert_allclose(found, loss(images).mean(), rtol=1e-5)
    assert not np.allclose(loss(images), loss(jnp.asarray(batch["image"])), rtol=1e-2)
    held_out, _ = EXPERIMENT.monitor(settings, DIGITS)(state.params, jax.device_put(batch), keys)
    np.testing.assert_allclose(held_out, loss(jnp.asarray(batch["image"])), rtol=1e-5)


def test_auxiliary_classifiers_add_three_tenths_of_their_losses():
    parts = (("conv1", Convolution(4)), ("inception2", Branches(1, 1, 1, 1, 1, 1)))
    model = InceptionNet(10, parts, normalized=False, auxiliary=("inception2",))
    settings = configure(ArchitecturesSettings(), architecture="googlenet")
    task = image_classification_task(model, settings, DIGITS)
    batch = jax.device_put(DIGITS.head("train", 4))
    state = jit_of_draws(task.init)(jax.random.key(0))
    found, keys = loss_of_a_step(task, state, batch)

    @jit_of_draws
    def outputs(params):
        apply = with_dropout(model.apply, rate=0.0, input_rate=0.0)
        logits, shown = apply(
            drawing(keys, Draw.DROPOUT), params, batch["image"], training=True, mutable=["intermediates"]
        )
        return logits, shown["intermediates"]["aux1"]["output"]

    main, head = (
        classification_losses(logits, batch["label"], loss="cross_entropy")[0] for logits in outputs(state.params)
    )
    np.testing.assert_allclose(found, (main + 0.3 * head).mean(), rtol=1e-5)


def test_the_presets_for_cifar_are_the_papers_protocol():
    settings = preset("resnet20")
    model = settings.architecture.classifier(10, settings.normalized_together)
    params = jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 269_722
    rates = settings.learning_rates()["learning_rate"]
    assert [round(float(rates(step)), 6) for step in (0, 31_999, 32_001, 47_999, 48_001, 63_999)] == [
        0.1, 0.1, 0.01, 0.01, 0.001, 0.001,
    ]  # fmt: skip
    assert (settings.held_out, settings.loop.batch_size, settings.optimization.weight_decay) == (5000, 128, 1e-4)


def test_every_full_net_has_a_preset():
    assert {name.removesuffix("_full") for name in CARD.presets if name.endswith("_full")} == set(FULL)
    assert preset("resnet50_full").architecture.classifier(10, 0).block == "bottleneck"
    assert preset("resnet50_full", stride_in="1x1").architecture.classifier(10, 0).block == "bottleneck_paper"


def test_what_cannot_be_is_a_line():
    with pytest.raises(ValueError, match=r"^the depth must be 6n \+ 2 "):
        preset("default", depth=18)
    with pytest.raises(ValueError, match=r"^there are ResNets of depth 18, 34"):
        preset("default", architecture="resnet")
    with pytest.raises(DataError, match=r"^--pattern on images of digits: CONV 96 11x11 stride 4 padding 0 does"):
        EXPERIMENT.data(preset("default", architecture="pattern", pattern="alexnet"))
    with pytest.raises(DataError, match=r"^--architecture googlenet on images of digits: a window of "):
        EXPERIMENT.data(preset("default", architecture="googlenet", auxiliary=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "alexnet", "zfnet", "vgg", "inception"])
def test_a_small_form_reads_the_digits(name):
    run, params = trained("architectures", preset(name))
    assert measured(run, params)["error"] <= 3


def test_what_the_network_sees_of_grey_images(tmp_path):
    signed = preset("smoke", pixels="signed")
    unit = preset("smoke")
    image = jnp.asarray(DIGITS.head("test", 2)["image"])
    params = jax.jit(EXPERIMENT.network(unit, DIGITS).init)(jax.random.key(0), image)
    seen = jax.jit(EXPERIMENT.network(unit, DIGITS).apply)(params, 2 * image - 1)
    np.testing.assert_allclose(
        jax.jit(EXPERIMENT.network(signed, DIGITS).apply)(params, image), seen, rtol=1e-5, atol=1e-6
    )
    with pytest.raises(DataError, match="--pixels imagenet is for images of 3 channels, and digits has grey ones"):
        EXPERIMENT.data(preset("smoke", pixels="imagenet"))
