import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec
from tasks import TASKS, at, batches, normalized_task, regression_task, run
from test_transforms import assert_close, assert_same_bits

from train.feed import resident_feed
from train.loop import LoopSettings, advance, begin
from train.mesh import (
    TooFewDevices,
    data_parallel,
    device_mesh,
    fully_sharded,
    local_mesh,
    one_device,
    place_elements,
    placement,
)
from train.processes import place
from train.task import Task, seed_keys
from train.transforms import accumulate, ensemble, scan


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
    with pytest.raises(ValueError, match="size 7 cannot be divided over 2 devices"):
        run(data_parallel(regression_task(), device_mesh(), how=how), batches(1, 7))


def test_pmap_needs_gradients():
    with pytest.raises(ValueError, match="not made of gradients"):
        data_parallel(Task(regression_task().init, regression_task().step), device_mesh(), how="pmap")


@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
def test_divided_parameters_give_the_numbers_of_whole_ones(make, float64):
    mesh, data = device_mesh(), batches(10, 12)
    assert_close(run(fully_sharded(make(), mesh), data), run(make(), data))


SEEDS, SIZE, BATCH, STEPS = [4, 9], 20, 6, 5


def chunk_of(where, seeds_by="map", task=None):
    """The state and metrics of a chunk of two seeds, as the loop runs it."""
    task = task or regression_task()
    examples = jax.tree.map(np.asarray, at(batches(1, SIZE), 0))
    feed = resident_feed(examples, SEEDS, BATCH)

    def make(keys):
        return begin(jax.vmap(where.task(task).init)(keys), 2, LoopSettings()).state

    keys = jnp.stack([jax.random.key(seed) for seed in SEEDS])
    state = jax.jit(make, out_shardings=where.state(jax.eval_shape(make, keys)))(keys)
    elements = place_elements(next(feed.read([(0, STEPS)])), where, part_of_batch=False)
    resident = place((feed.resident, ()), jax.tree.map(lambda _: where.replicated, (feed.resident, ())))
    return jax.jit(advance(lambda context: task, feed, STEPS, seeds_by, where))(state, resident, elements)


@pytest.mark.parametrize("seeds_by", ["map", "vmap"])
@pytest.mark.parametrize("shard", ["batch", "seeds", "parameters"])
def test_a_chunk_divided_over_two_devices_is_that_of_one(shard, seeds_by, float64):
    plain, divided = one_device(), placement(shard, device_mesh())
    assert_close(chunk_of(divided, seeds_by, normalized_task()), chunk_of(plain, seeds_by, normalized_task()))


def test_seeds_on_devices_of_their_own_have_the_bits_of_seeds_in_turn():
    assert_same_bits(chunk_of(placement("seeds", device_mesh())), chunk_of(one_device()))


def test_a_divided_parameter_is_whole_where_nothing_divides_it():
    where = placement("parameters", device_mesh())
    leaves = {"even": jnp.zeros((2, 3, 8, 4)), "odd": jnp.zeros((2, 7)), "scalar": jnp.zeros(2)}
    specs = jax.tree.map(lambda sharding: sharding.spec, where.state(leaves))
    assert specs == {"even": PartitionSpec(None, None, "devices"), "odd": PartitionSpec(), "scalar": PartitionSpec()}


def test_too_few_devices_is_said():
    with pytest.raises(TooFewDevices, match=r"--devices 3, but there are 2 of kind cpu.*JAX_NUM_CPU_DEVICES=3"):
        local_mesh(3)
