import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import batches, init_params, noisy_regression, regression_task, run

from train.task import Stream, annealed, batch_size, evaluation_params, seed_keys, stream_key, supervised
from train.transforms import accumulate


def test_supervised_is_gradient_descent_on_the_mean_loss(float64):
    task = regression_task(optax.sgd(0.1))
    data = batches(1, 6)
    state = task.init(jax.random.key(0))
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(state.key, 0), 0), 6)
    batch = jax.tree.map(lambda leaf: leaf[0], data)
    gradient = jax.grad(lambda params: noisy_regression(params, batch, keys)[0].mean())(state.params)
    expected = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, gradient)
    after, metrics = task.step(state, batch)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), after.params, expected)
    losses, parts = noisy_regression(state.params, batch, keys)
    np.testing.assert_allclose(metrics["loss"], losses.mean(), rtol=1e-12)
    np.testing.assert_allclose(metrics["absolute"], parts["absolute"].mean(), rtol=1e-12)
    assert after.step == 1


def test_a_task_learns_what_it_is_given():
    task = supervised(
        lambda params, batch, keys: ((batch["x"] @ params - batch["y"]) ** 2, {}),
        lambda key: jax.random.normal(key, (3,)),
        optax.adam(0.1),
    )
    truth = jnp.array([1.0, -2.0, 0.5])
    x = jax.random.normal(jax.random.key(3), (300, 16, 3))
    state, _ = run(task, {"x": x, "y": x @ truth})
    np.testing.assert_allclose(state.params, truth, atol=1e-3)


def test_an_annealed_loss_is_that_of_the_step(float64):
    """Step t descends on t · x by 0.1, so x falls by 0.1 (0 + 1 + … + 9), also where the batch is cut into parts."""

    def loss_of_step(step):
        weight = step.astype(float)
        return lambda params, batch, keys: (batch * weight * params, {"weight": jnp.full(len(batch), weight)})

    task = annealed(loss_of_step, lambda key: jnp.zeros(()), optax.sgd(0.1))
    for each in (task, accumulate(task, 2)):
        state, metrics = run(each, jnp.ones((10, 4)))
        np.testing.assert_allclose(state.params, -4.5, rtol=1e-12)
        np.testing.assert_array_equal(metrics["weight"], np.arange(10))


def test_supervised_is_the_loss_that_never_changes(float64):
    once = annealed(lambda step: noisy_regression, init_params, optax.adam(0.01))
    for one, other in zip(
        *(jax.tree.leaves(run(t, batches(3, 4))[0].params) for t in (once, regression_task())), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_examples_draw_from_their_place_and_steps_from_their_number():
    """Two different steps and two different places never share their noise."""
    task = supervised(
        lambda params, batch, keys: (params + jax.vmap(jax.random.normal)(keys), {}),
        lambda key: jnp.zeros(()),
        optax.identity(),
    )
    state, _ = run(task, jnp.ones((2, 3)))
    key = state.key
    drawn = [
        jax.random.key_data(jax.random.split(jax.random.fold_in(jax.random.fold_in(key, step), 0), 3))
        for step in range(2)
    ]
    assert len({tuple(words) for step in drawn for words in step.tolist()}) == 6


def test_a_batch_whose_arrays_disagree_is_refused():
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        batch_size({"x": jnp.ones((2, 1)), "y": jnp.ones(3)})


def test_seed_keys_are_those_of_the_seeds():
    keys = seed_keys([3, 5])
    np.testing.assert_array_equal(jax.random.key_data(keys[1]), jax.random.key_data(jax.random.key(5)))


@pytest.mark.parametrize("stream", [Stream.FIGURES, Stream.SAMPLES])
def test_a_stream_is_folded_from_the_key_of_its_seed(stream):
    folded = jax.random.fold_in(jax.random.key(2**31 - 1), stream)
    np.testing.assert_array_equal(jax.random.key_data(stream_key(2**31 - 1, stream)), jax.random.key_data(folded))


def test_the_average_is_what_is_evaluated():
    state = regression_task().init(jax.random.key(0))
    assert evaluation_params(state) is state.params
    average = {"first": jnp.zeros(1)}
    assert evaluation_params(state._replace(carried={"average": average})) is average
