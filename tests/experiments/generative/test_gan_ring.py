"""The game on points: parts are the whole, averages overwrite nothing, and remedies are what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trained import measured, trained

from experiments.datasets.generated_points import MODES
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure
from losses.metrics.mode_coverage import mode_counts
from train.feed import take
from train.transforms import accumulate, average_parameters

SMALL = {"generator_widths": (8,), "discriminator_widths": (8,), "examples": 100, "batch_size": 24}


def game(**fields):
    settings = configure(load("gan_ring").settings(), SMALL | fields)
    run = prepare("gan_ring", "default", settings)
    return run, run.experiment.task(settings, run.dataset)


def in_float64(task):
    def widened(leaf):
        return leaf.astype(jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    def init(key):
        state = task.init(key)
        return state._replace(**jax.tree.map(widened, {"params": state.params, "opt_state": state.opt_state}))

    return task._replace(init=init)


def steps(task, run, count=3):
    state, size = jax.jit(task.init)(jax.random.key(0)), run.settings.loop.batch_size
    step, metrics = jax.jit(task.step), {}
    for number in range(count):
        batch = take(run.dataset.splits["train"], np.arange(number * size, (number + 1) * size) % 100)
        state, metrics = step(state, batch)
    return state, metrics


@pytest.mark.parametrize(
    "fields",
    [
        {"updates": 2, "group": 4, "packing": 2, "minibatch": "deviation", "spectral": True},
        {"updates": 3, "group": 4, "loss": "wasserstein", "gradient_penalty": 10.0},
    ],
    ids=["packs", "penalty"],
)
def test_parts_of_a_batch_are_the_whole_with_several_updates_in_a_step(fields, float64):
    """Statistics, vectors and moments included; in float64, where nothing but a mistake would show."""
    run, task = game(**fields)
    wide = jax.tree.map(lambda leaf: leaf.astype(np.float64), run.dataset.splits["train"])
    run = run._replace(dataset=run.dataset._replace(splits={"train": wide}))
    task = in_float64(task)
    parts = 24 // fields["updates"] // 4
    (whole, metrics), (accumulated, of_parts) = steps(task, run), steps(accumulate(task, parts), run)
    compared = ((state.params, state.opt_state, rows) for state, rows in ((whole, metrics), (accumulated, of_parts)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9), *compared)
    count = whole.opt_state["discriminator"][0].count
    assert (count, whole.opt_state["generator"][0].count) == (3 * fields["updates"], 3)


def test_averaged_weights_never_overwrite_the_trained_ones():
    run, task = game(spectral=True)
    (plain, _), (averaged, _) = steps(task, run), steps(average_parameters(task, 0.9), run)
    jax.tree.map(np.testing.assert_array_equal, averaged.params, plain.params)
    kernel = ("generator", "params", "Dense_0", "kernel")
    of_average, of_trained = averaged.carried["average"], averaged.params
    for name in kernel:
        of_average, of_trained = of_average[name], of_trained[name]
    assert not np.array_equal(of_average, of_trained)


def test_the_two_optimisers_are_two():
    run, _ = game()
    settings = configure(run.settings, {"generator.learning_rate": 0.1, "discriminator.optimizer": "sgd"})
    rates = settings.learning_rates()
    assert {name: float(rate(0)) for name, rate in rates.items()} == pytest.approx(
        {"generator.learning_rate": 0.1, "discriminator.learning_rate": 1e-3}
    )
    assert "discriminator.beta1" in settings.idle()
    assert "generator.beta1" not in settings.idle()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"updates": 5}, "--batch-size 24 must be a multiple of --updates 5 times --accumulate 1"),
        ({"accumulate": 2}, "has 12 examples, of which 24 are taken together"),
        ({"packing": 5}, "must be a multiple of --packing 5"),
        ({"packing": 2, "gradient_penalty": 1.0}, "leave out --packing and --minibatch"),
        ({"loss": "wasserstein"}, "add --gradient-penalty or --spectral"),
    ],
)
def test_what_cannot_be_divided_or_bounded_is_refused_in_one_line(fields, message):
    with pytest.raises(ValueError, match=message) as caught:
        configure(load("gan_ring").settings(), SMALL | fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", MODES)
def test_the_data_reach_every_mode_and_are_of_high_quality_as_rayleighs_law_says(name):
    settings = configure(load("gan_ring").settings(), data=name, examples=20_000)
    points = jnp.asarray(load("gan_ring").data(settings).splits["train"]["point"])
    counts = mode_counts(points, jnp.asarray(MODES[name].centres), deviation=MODES[name].deviation)
    modes = len(counts)
    assert modes == {"ring": 8, "grid": 25}[name]
    assert counts.sum() / 20_000 == pytest.approx(1 - np.exp(-4.5), abs=0.0025)
    expected = counts.sum() / modes
    assert np.sum((counts - expected) ** 2) / expected < 60  # χ² of at most 24 degrees of freedom


@pytest.mark.slow
def test_it_learns_to_reach_the_modes_of_a_ring():
    run, params = trained("gan_ring", configure(load("gan_ring").settings(), steps=3000, examples=20_000))
    found = measured(run, params)
    assert found["modes"] >= 5
    assert found["missed"].mean() < 70
