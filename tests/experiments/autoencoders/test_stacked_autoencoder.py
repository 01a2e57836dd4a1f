"""Layers that keep more of an image than random ones, and which settings they read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.stacked_autoencoder.experiment import EXPERIMENT, StackedAutoencoderSettings
from experiments.run.settings import configure
from train.transforms import scan

DIGITS = StackedAutoencoderSettings().images.load()


@pytest.mark.parametrize("layer", ["denoising", "contractive"])
def test_learnt_layers_keep_more_of_an_image_than_random_ones(layer):
    settings = configure(StackedAutoencoderSettings(), layer=layer, widths=(64, 32), pretrain_steps=400, steps=1000)
    task = EXPERIMENT.task(settings, DIGITS)
    rows = np.random.default_rng(0).integers(0, 1297, size=(1000, 128))
    batches = jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), DIGITS.splits["train"])
    start = task.init(jax.random.key(0))
    state, _ = jax.jit(scan(task, 1000).step)(start, batches)
    test, keys = jax.tree.map(jnp.asarray, DIGITS.splits["test"]), jax.random.split(jax.random.key(0), 250)
    measure = jax.jit(EXPERIMENT.evaluate(settings, DIGITS))
    before, after = (measure(each.params, test, keys) for each in (start, state))
    assert after["reconstruction"].mean() < 0.5 * before["reconstruction"].mean()
    assert after["pretrained/error"].mean() < 6.0


def test_settings_of_other_kinds_of_layers_are_idle():
    idle = {
        layer: configure(StackedAutoencoderSettings(), layer=layer).idle().keys() & {"masked", "contraction"}
        for layer in ("plain", "denoising", "contractive")
    }
    assert idle == {"plain": {"masked", "contraction"}, "denoising": {"contraction"}, "contractive": {"masked"}}


def test_layers_move_by_the_rule_of_the_fine_tuning_at_their_own_rate():
    settings = configure(StackedAutoencoderSettings(), optimizer="momentum", momentum=0.5, learning_rate=0.3)
    assert (
        settings.layer_optimization.optimizer,
        settings.layer_optimization.momentum,
        settings.layer_optimization.learning_rate,
    ) == (
        "momentum",
        0.5,
        0.3,
    )
    assert configure(settings, pretrain_rate=0.1).layer_optimization.learning_rate == 0.1
