import jax
import jax.numpy as jnp
import numpy as np
import pytest
from legibility import assert_legible
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.datasets.generated import on_the_unit_interval, sawtooth, weierstrass
from experiments.foundations.universal_approximation.experiment import ApproximationSettings
from experiments.foundations.universal_approximation.figures import error_by_width
from experiments.foundations.universal_approximation.nets import Net, sawtooth_by_hand, shallow_as
from experiments.run.registry import load
from experiments.run.settings import configure
from train.trainable import count_parameters


@pytest.mark.parametrize("depth", [3, 5, 8])
def test_the_net_by_hand_is_the_sawtooth(depth):
    """Exactly, on a grid whose points and values are binary fractions."""
    net, params = sawtooth_by_hand(depth)
    points = np.arange(4097) / 4096
    expected = np.abs((points * 2**depth + 1) % 2 - 1)  # a triangle wave of period 2^(1 − depth)
    np.testing.assert_array_equal(net(params, jnp.asarray(points, jnp.float32)), expected)
    assert count_parameters(params) == 6 * depth + 1


def test_the_sawtooth_and_the_weierstrass_function_are_those_of_the_papers():
    points = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(sawtooth(points, foldings=1), np.minimum(2 * points, 2 - 2 * points), atol=1e-15)
    assert weierstrass(np.array([0.0]))[0] == 1.0
    assert weierstrass(np.array([0.5]))[0] == pytest.approx(0.0, abs=1e-12)  # every cosine is −1 at odd multiples of π


@pytest.mark.parametrize(("depth", "width"), [(5, 48), (3, 7), (5, 2)])
def test_shallow_nets_have_as_many_parameters(depth, width):
    key = jax.random.key(0)
    deep = count_parameters(Net((width,) * depth, "relu", 1.0).init(key))
    shallow = count_parameters(Net((shallow_as(depth, width),), "relu", 1.0).init(key))
    assert abs(deep - shallow) <= 1.5  # 3m + 1 takes every third number


def test_units_turn_one_in_each_part_of_the_interval():
    net = Net((16,), "relu", 20.0)
    layer = net.init(jax.random.key(3))["params"]["layers_0"]["Dense_0"]
    turns = np.asarray(-layer["bias"] / layer["kernel"][0])
    np.testing.assert_array_equal(np.floor(turns * 16), np.arange(16))
    np.testing.assert_allclose(np.abs(layer["kernel"]), 20.0)


def test_the_error_falls_with_the_width_and_the_depth():
    settings = configure(ApproximationSettings(), widths=(1, 8, 64), depth=3, deep_width=16, steps=1500)
    found = measured(*trained("universal_approximation", settings))
    one, eight, many = (found[f"width_{width:03}/sup"] for width in (1, 8, 64))
    assert one > 1.5 * eight
    assert eight > 1.5 * many
    assert many < 0.1
    assert found["by_hand/sup"] == 0.0
    assert found["shallow_as_by_hand/sup"] > 0.25
    assert found["deep/mse"] < found["shallow/mse"] < found["shallow_as_by_hand/mse"]


def test_each_net_learns_as_if_alone():
    """No net's gradient reaches another: with fewer nets beside it, a net ends at the same parameters."""
    both = configure(ApproximationSettings(), widths=(2, 4), steps=3)
    dataset = on_the_unit_interval("wave", foldings=5)
    batch = jax.tree.map(lambda leaf: jnp.asarray(leaf[:64]), dataset.splits["train"])
    task_of = load("universal_approximation").task
    state = task_of(both, dataset).init(jax.random.key(0))
    whole, _ = jax.jit(task_of(both, dataset).step)(state, batch)
    one = task_of(configure(both, widths=(2,)), dataset)
    alone = one.init(jax.random.key(0))
    alone, _ = jax.jit(one.step)(alone._replace(params={n: state.params[n] for n in alone.params}), batch)
    for name in alone.params:
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), alone.params[name], whole.params[name]
        )


def test_numbers_are_the_same_at_every_evaluation_batch():
    run, params = trained("universal_approximation", configure(ApproximationSettings(), widths=(2,), steps=2))
    assert_same_at_every_evaluation_batch(run, params)


def test_the_steepness_is_idle_where_units_are_rectified():
    assert "steepness" not in ApproximationSettings().idle()
    assert "steepness" in configure(ApproximationSettings(), activation="relu").idle()


def test_both_errors_are_written_at_every_width():
    """Of fits that miss the truth by 0.5 / width at one of four points, and by half of that at another."""
    widths = ApproximationSettings().widths
    figure = error_by_width(np.zeros(4), {width: np.array([0.5, 0, -0.25, 0]) / width for width in widths})
    assert_legible(figure)
    written = [float(text.get_text()) for text in figure.axes[0].texts]
    largest = 0.5 / np.array(widths)
    np.testing.assert_allclose(written, [*largest, *largest * np.sqrt(1.25 / 4)], rtol=5e-4)
