import jax
import jax.numpy as jnp
import pytest
from tasks import batches, game_task, regression_task, run
from test_transforms import assert_close

from train.mesh import data_parallel, device_mesh
from train.task import Task, seed_keys
from train.transforms import accumulate, ensemble, scan

TASKS = {"supervised": regression_task, "alternating": game_task}


@pytest.mark.parametrize("how", ["sharding", "pmap"])
@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
def test_two_devices_give_the_numbers_of_one(make, how, float64):
    mesh, data = device_mesh(), batches(10, 12)
    assert mesh.size == 2
    assert_close(run(data_parallel(make(), mesh, how=how), data), run(make(), data))


def test_the_batch_is_really_divided():
    """Each device's program holds half of the examples."""
    task = data_parallel(regression_task(), device_mesh())
    batch = jax.tree.map(lambda leaf: leaf[0], batches(1, 12))
    state = jax.jit(task.init)(jax.random.key(0))
    program = jax.jit(task.step).lower(state, batch).compile().as_text()
    assert "f32[6,7]" in program
    assert "all-reduce" in program


def test_sharding_composes_with_the_other_transforms(float64):
    data, seeds = batches(6, 12), [0, 1]
    together = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf], axis=1), data)
    plain = scan(ensemble(regression_task(), how="vmap"), 6)
    parallel = scan(ensemble(data_parallel(accumulate(regression_task(), 2), device_mesh()), how="vmap"), 6)
    state = jax.jit(plain.init)(seed_keys(seeds))
    assert_close(jax.jit(parallel.step)(state, together), jax.jit(plain.step)(state, together))


@pytest.mark.parametrize("how", ["sharding", "pmap"])
def test_a_batch_that_does_not_divide_is_refused(how):
    with pytest.raises(ValueError, match="7 examples cannot be divided over 2 devices"):
        run(data_parallel(regression_task(), device_mesh(), how=how), batches(1, 7))


def test_pmap_needs_gradients():
    with pytest.raises(ValueError, match="not made of gradients"):
        data_parallel(Task(regression_task().init, regression_task().step), device_mesh(), how="pmap")
