import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.stacked_autoencoder.experiment import EXPERIMENT, StackedAutoencoderSettings
from experiments.objectives.layerwise_pretraining import reconstruction_gradient
from experiments.objectives.reconstruction import clean, corruption_of
from experiments.run.settings import configure
from models.rbm import RBM
from train.transforms import scan


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def layer_and_batch():
    rng = np.random.default_rng(0)
    layer = RBM(*(jnp.asarray(rng.normal(size=size)) for size in ((5, 3), (5,), (3,))))
    return layer, jnp.asarray(rng.random((4, 5))), jax.random.split(jax.random.key(0), 4)


def test_the_gradient_of_a_tied_layer_is_backpropagation_by_hand(float64):
    """The weights are used twice: the decoder's part and the encoder's are added."""
    layer, visible, keys = layer_and_batch()
    gradient, loss = reconstruction_gradient(clean, 0.0)(layer, visible, keys)
    weights, visible_bias, hidden_bias = map(np.asarray, layer)
    hidden = sigmoid(visible @ weights + hidden_bias)
    expected = sigmoid(hidden @ weights.T + visible_bias)
    delta = (expected - np.asarray(visible)) / len(visible)
    hidden_delta = (delta @ weights) * hidden * (1 - hidden)
    cross_entropy = -(visible * np.log(expected) + (1 - visible) * np.log(1 - expected)).sum(axis=1).mean()
    np.testing.assert_allclose(loss, cross_entropy, rtol=1e-12)
    np.testing.assert_allclose(gradient.weights, delta.T @ hidden + np.asarray(visible).T @ hidden_delta, rtol=1e-10)
    np.testing.assert_allclose(gradient.visible_bias, delta.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(gradient.hidden_bias, hidden_delta.sum(axis=0), rtol=1e-10)


def test_the_contraction_is_added(float64):
    layer, visible, keys = layer_and_batch()
    (_, without), (_, with_it) = (reconstruction_gradient(clean, weight)(layer, visible, keys) for weight in (0.0, 2.0))

    def code(one):
        return jax.nn.sigmoid(one @ layer.weights + layer.hidden_bias)

    squares = [np.sum(np.square(jax.jacfwd(code)(one))) for one in visible]
    np.testing.assert_allclose(with_it - without, 2 * np.mean(squares), rtol=1e-9)


def test_what_is_restored_is_the_clean_image(float64):
    """With all of the input masked the best that a layer can do is its visible bias."""
    layer, visible, keys = layer_and_batch()
    gradient, _ = reconstruction_gradient(corruption_of("masking", 1.0), 0.0)(layer, visible, keys)
    hidden = sigmoid(np.asarray(layer.hidden_bias))
    expected = sigmoid(np.asarray(layer.weights) @ hidden + np.asarray(layer.visible_bias))
    np.testing.assert_allclose(gradient.visible_bias, expected - np.asarray(visible).mean(axis=0), rtol=1e-9)


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
    assert (settings.layers.optimizer, settings.layers.momentum, settings.layers.learning_rate) == (
        "momentum",
        0.5,
        0.3,
    )
    assert configure(settings, pretrain_rate=0.1).layers.learning_rate == 0.1
