import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import TASKS, at, batches, normalized_task, regression_task, run

from train.task import Task, seed_keys
from train.transforms import accumulate, average_parameters, ensemble, resident, scan


def bits(tree):
    def words(leaf):
        return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)

    return [words(leaf) for leaf in jax.tree.leaves(tree)]


def assert_same_bits(one, other):
    for a, b in zip(bits(one), bits(other), strict=True):
        np.testing.assert_array_equal(a, b)


def assert_close(one, other, tolerance=1e-9):
    for a, b in zip(bits(one), bits(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
def test_four_accumulated_parts_are_the_whole_batch(make, float64):
    data = batches(10, 12)
    whole = run(make(), data)
    assert_close(run(accumulate(make(), 4), data), whole)
    assert_close(run(accumulate(make(), 1), data), whole)


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="size 10 cannot be accumulated in 4 equal parts"):
        run(accumulate(regression_task(), 4), batches(1, 10))


def test_a_task_without_gradients_cannot_accumulate():
    with pytest.raises(ValueError, match="not made of gradients"):
        accumulate(Task(regression_task().init, regression_task().step), 2)


@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
def test_a_mapped_seed_has_the_bits_of_the_seed_alone(make):
    seeds, steps = [3, 0, 8], 12
    data = [batches(steps, 6, seed) for seed in seeds]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=1), *data)
    task = ensemble(make(), how="map")
    state, metrics = run(task, together, state=jax.jit(task.init)(seed_keys(seeds)))
    for k, seed in enumerate(seeds):
        assert_same_bits((at(state, k), at(metrics, (slice(None), k))), run(make(), data[k], key=seed))


@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
def test_a_vmapped_seed_is_the_seed_alone(make, float64):
    seeds, steps = [3, 0, 8], 10
    data = [batches(steps, 6, seed) for seed in seeds]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=1), *data)
    task = ensemble(make(), how="vmap")
    state, _ = run(task, together, state=jax.jit(task.init)(seed_keys(seeds)))
    for k, seed in enumerate(seeds):
        assert_close(at(state, k), run(make(), data[k], key=seed)[0])


@pytest.mark.parametrize("lengths", [(12,), (6, 6), (1,) * 12, (5, 7)])
def test_any_chunk_length_gives_the_bits_of_single_steps(lengths):
    data = batches(12, 6)
    expected, rows = run(regression_task(), data)
    state, start, collected = jax.jit(regression_task().init)(jax.random.key(0)), 0, []
    for length in lengths:
        chunk = jax.jit(scan(regression_task(), length).step)
        state, metrics = chunk(state, jax.tree.map(lambda leaf: leaf[start : start + length], data))
        collected.append(metrics)
        start += length
    assert_same_bits(state, expected)
    assert_same_bits(jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *collected), rows)


def test_resident_examples_are_gathered_by_index():
    data = at(batches(1, 20), 0)
    index = jax.random.randint(jax.random.key(4), (7, 6), 0, 20)
    gathered = jax.tree.map(lambda leaf: leaf[index], data)
    assert_same_bits(run(resident(regression_task(), data), index), run(regression_task(), gathered))


def test_the_average_is_exponential(float64):
    decay, data = 0.8, batches(6, 4)
    task = average_parameters(regression_task(optax.sgd(0.1)), decay)
    state = task.init(jax.random.key(0))
    seen = [state.params]
    for t in range(6):
        state, _ = task.step(state, at(data, t))
        seen.append(state.params)
    weights = [decay**6] + [(1 - decay) * decay ** (6 - t) for t in range(1, 7)]
    expected = jax.tree.map(lambda *leaves: sum(w * leaf for w, leaf in zip(weights, leaves, strict=True)), *seen)
    assert_close(state.carried["average"], expected, 1e-12)
    assert_close(state.params, run(regression_task(optax.sgd(0.1)), data)[0].params, 1e-12)


def test_running_statistics_are_averaged_as_the_weights_that_they_belong_to(float64):
    decay, data = 0.8, batches(5, 6)
    task = average_parameters(normalized_task(), decay)
    state = task.init(jax.random.key(0))
    seen = [state.params]
    for t in range(5):
        state, _ = jax.jit(task.step)(state, at(data, t))
        seen.append(state.params)
    weights = [decay**5] + [(1 - decay) * decay ** (5 - t) for t in range(1, 6)]
    for collection in ("params", "batch_stats"):
        of_steps = [params[collection] for params in seen]
        expected = jax.tree.map(
            lambda *leaves: sum(w * leaf for w, leaf in zip(weights, leaves, strict=True)), *of_steps
        )
        assert_close(state.carried["average"][collection], expected, 1e-12)
    assert state.carried["average"]["seen"]["batches"] == 5
    assert state.carried["average"]["seen"]["batches"].dtype == jnp.int32


def test_transforms_compose(float64):
    seeds = [1, 2]
    plain = average_parameters(accumulate(regression_task(), 2), 0.9)
    data = at(batches(1, 30), 0)
    index = jax.random.randint(jax.random.key(4), (9, 2, 6), 0, 30)
    together = scan(resident(ensemble(plain, how="map"), data), 9)
    state, _ = jax.jit(together.step)(jax.jit(together.init)(seed_keys(seeds)), index)
    for k, seed in enumerate(seeds):
        alone = average_parameters(regression_task(), 0.9)
        examples = jax.tree.map(lambda leaf, k=k: leaf[index[:, k]], data)
        assert_close(at(state, k), run(alone, examples, key=seed)[0])
