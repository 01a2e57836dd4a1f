"""By hand beside autodiff in double precision, the convolution's matrix by its adjoint, costs by XLA's count."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, trained

from experiments.datasets import DataError
from experiments.foundations.backpropagation.costs import LAYERS, counted_layers
from experiments.foundations.backpropagation.experiment import (
    BackpropagationSettings,
    data,
    gradient_differences,
    networks,
    task,
)
from experiments.foundations.backpropagation.figures import differences, matrices
from experiments.foundations.backpropagation.nets import WAYS, Convolution, Net
from experiments.run.settings import configure
from models.backpropagation import DERIVATIVES, Layer
from train.transforms import accumulate

SETTINGS = configure(BackpropagationSettings(), widths=(5,), features=2, stride=2, batch_size=8)
DIGITS = data(SETTINGS)
FEW = jax.tree.map(jnp.asarray, DIGITS.head("train", 8))


def doubled(tree):
    return jax.tree.map(lambda leaf: leaf.astype(float if leaf.dtype == np.float32 else int), tree)


@pytest.mark.parametrize("parts", [1, 4])
def test_training_by_hand_takes_the_steps_of_autodiff(parts, float64):
    made, batch = accumulate(task(SETTINGS, DIGITS), parts), doubled(FEW)
    first = state = made.init(jax.random.key(0))
    step = jax.jit(made.step)
    for _ in range(5):
        state, metrics = step(state, batch)
    for name in ("dense", "convolution"):
        by_hand, by_autodiff = (state.params[f"{name}_{way}"] for way in WAYS)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-12), by_hand, by_autodiff)
        moved = jax.tree.map(lambda a, b: jnp.max(jnp.abs(a - b)), by_hand, first.params[f"{name}_by_hand"])
        assert min(jax.tree.leaves(moved)) > 1e-3
        assert metrics[f"{name}_by_hand/loss"] == pytest.approx(float(metrics[f"{name}_by_autodiff/loss"]), rel=1e-12)


def test_a_mistake_in_a_derivative_shows_before_the_last_layer(monkeypatch):
    net = networks(SETTINGS, DIGITS)["dense"]
    params = net.init(jax.random.key(0))
    right = gradient_differences(net, params, FEW)
    assert max(right.values()) < 1e-6
    monkeypatch.setitem(DERIVATIVES, "tanh", jnp.ones_like)
    wrong = gradient_differences(net, params, FEW)
    assert wrong["layer_1"] > 1e-2
    assert wrong["layer_2"] < 1e-6


def test_both_ways_compute_the_layers_of_flax(float64):
    net = networks(SETTINGS, DIGITS)["convolution"]
    params, batch = net.init(jax.random.key(1)), doubled(FEW)
    images = batch["image"]
    params["layer_1"]["bias"] = jnp.asarray([0.3, -0.2])
    layers = nn.Conv(2, (3, 3), strides=2, padding="VALID", param_dtype=float), nn.Dense(10, param_dtype=float)
    hidden = jnp.tanh(layers[0].apply({"params": params["layer_1"]}, images))
    expected = layers[1].apply({"params": params["layer_2"]}, hidden.reshape(8, -1))
    np.testing.assert_allclose(net.logits(params, images), expected, rtol=1e-12)
    losses = [way(net)(params, batch, None)[0] for way in WAYS.values()]
    np.testing.assert_allclose(*losses, rtol=1e-12)
    np.testing.assert_allclose(losses[0], -jax.nn.log_softmax(expected)[jnp.arange(8), batch["label"]], rtol=1e-12)


def test_tying_is_the_adjoint_of_standing_in_many_places(float64):
    """⟨as_dense(p), g⟩ = ⟨p, tied(g)⟩ for any g, also in the biases."""
    net = Net((5, 4, 2), (3,), "tanh", Convolution(window=2, features=3))
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), net.init(jax.random.key(0)))
    dense = net.as_dense(params)
    gradients = [Layer(*(jnp.asarray(rng.normal(size=leaf.shape)) for leaf in layer)) for layer in dense]
    left = sum(jnp.vdot(a, b) for pair in zip(dense, gradients, strict=True) for a, b in zip(*pair, strict=True))
    tied = net.tied(gradients)
    right = sum(jnp.vdot(params[name][kind], tied[name][kind]) for name in params for kind in params[name])
    np.testing.assert_allclose(left, right, rtol=1e-12)


def test_it_learns_digits_and_ends_where_autodiff_ends():
    settings = configure(BackpropagationSettings(), steps=300, batch_size=64, widths=(16,))
    found = assert_same_at_every_evaluation_batch(*trained("backpropagation", settings))
    for name in ("dense", "convolution"):
        assert found[f"{name}_by_hand/error"] == found[f"{name}_by_autodiff/error"] < 10.0
        for layer in ("layer_1", "layer_2"):
            assert found[f"{name}/{layer}/gradient_difference"] < 1e-5
            assert found[f"{name}/{layer}/weight_difference"] < 1e-4
    assert (found["alexnet_convolution/parameters"], found["alexnet_convolution/units"]) == (34_944, 290_400)


def test_formulas_are_xlas_counts_and_a_separable_convolution_costs_its_share():
    counted = counted_layers(**networks(SETTINGS, DIGITS))
    assert counted.keys() == LAYERS.keys()
    for layer in counted.values():
        assert layer.formula.flops == layer.flops_by_xla
    full, separable = (counted[f"mobilenet_{name}"].formula for name in ("full", "separable"))
    assert separable.multiply_adds / full.multiply_adds == pytest.approx(1 / 64 + 1 / 9)  # Howard et al. 2017, 3.1
    assert counted["convolution_as_matrix"].formula.units == counted["convolution"].formula.units


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"window": 9}, "--window 9 does not fit"), ({"features": 500, "stride": 1}, "entries, expected at most")],
)
def test_a_convolution_that_does_not_fit_is_refused(fields, words):
    with pytest.raises(DataError, match=words):
        data(configure(SETTINGS, fields))


def test_the_first_feature_is_drawn_and_differences_stand_at_their_layer():
    panels = [np.arange(24.0).reshape(6, 4) * sign for sign in (1, -1, 0)]
    figure = matrices(*panels, features=2)
    for axes, panel in zip(figure.axes, panels, strict=False):
        np.testing.assert_array_equal(axes.images[0].get_array(), panel[::2])
    drawn = differences({"net/layer_1/gradient_difference": 1e-7, "net/layer_1/weight_difference": 0.0})
    assert [line.get_xdata()[0] for line in drawn.axes[0].lines[:2]] == [1e-7, 0.0]
