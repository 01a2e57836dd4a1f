"""The presets are the nets that were published, and what a net cannot take is said in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import jit_of_draws

from experiments.convnets.lenet.card import CARD
from experiments.convnets.lenet.experiment import EXPERIMENT, LeNetSettings
from experiments.datasets import DataError, Dataset
from experiments.run.run import prepare
from experiments.run.settings import configure

MNIST = Dataset(
    "mnist",
    "",
    "",
    {"train": {"image": np.zeros((1, 28, 28, 1), np.float32), "label": np.zeros(1, np.int32)}},
    classes=10,
)


def preset(name, **fields):
    return configure(LeNetSettings(), CARD.all_presets[name] | fields)


@pytest.mark.parametrize(
    ("name", "side", "parameters"),
    [
        ("mnist", 28, 61_706),
        ("paper", 28, 60_000),
        ("lecun1989", 16, 9_760),
        ("lisa", 28, 520 + 25_050 + 400_500 + 5_010),
        ("keras", 28, 34_826),  # as the example prints
        ("flax", 28, 320 + 18_496 + 803_072 + 2_570),
    ],
)
def test_a_preset_has_the_parameters_of_its_source(name, side, parameters):
    model = EXPERIMENT.network(preset(name), MNIST)
    image = jax.ShapeDtypeStruct((1, side, side, 1), jnp.float32)
    params = jax.eval_shape(model.init, jax.random.key(0), image)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == parameters


@pytest.mark.parametrize(
    ("name", "epochs", "images"), [("lecun1989", 23, 7_291), ("keras", 15, 50_000), ("flax", 10, 60_000)]
)
def test_a_preset_trains_as_long_as_its_source(name, epochs, images):
    """Whole batches alone."""
    loop = preset(name).loop
    assert loop.steps == epochs * (images // loop.batch_size)
    assert loop.steps % loop.chunk == 0


def test_the_net_of_1989_learns():
    """On the digits at 16×16: large steps on one batch of them."""
    run = prepare("lenet", "lecun1989", preset("lecun1989", data="digits", examples=(16, 16), learning_rate=0.3))
    assert run.dataset.image_shape == (16, 16, 1)
    task, batch = run.task(), jax.device_put(run.dataset.whole("train"))

    @jit_of_draws
    def losses(key):
        return jax.lax.scan(lambda state, _: task.step(state, batch), task.init(key), length=20)[1]["loss"]

    found = losses(jax.random.key(0))
    assert found[-1] < found[0] / 2


def test_images_that_a_net_cannot_take_are_a_line():
    said = r"^--network lenet5 takes images of 28×28×1 in 10 classes, those of digits are of 8×8×1 in 10 classes: "
    with pytest.raises(DataError, match=said + "add --side 28, or take --network pattern$"):
        EXPERIMENT.data(configure(LeNetSettings(), network="lenet5"))
    assert EXPERIMENT.data(configure(LeNetSettings(), network="lenet5", side=28)).image_shape == (28, 28, 1)
    with pytest.raises(ValueError, match=r"^--examples takes two numbers, .* got \(5,\)$"):
        configure(LeNetSettings(), examples=(5,))
