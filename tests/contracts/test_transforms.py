"""What every transform of tasks promises; transforms are found, so a new one cannot escape.

Each has a neutral form, in which the transformed task takes the same steps as the task itself.
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tasks import at, batches, normalized_task, regression_task, run

import train.mesh
import train.transforms
from train.mesh import data_parallel, device_mesh, fully_sharded
from train.task import seed_keys
from train.transforms import (
    accumulate,
    average_parameters,
    ensemble,
    freeze,
    resident,
    scan,
    starting_from,
    with_gradient,
)

ONE_DEVICE = device_mesh(jax.devices()[:1])

# task, one batch of one step → the transformed task, its batch, whether it has an axis of seeds
NEUTRAL = {
    "freeze": lambda task, batch: (freeze(task, ()), batch, False),
    "starting_from": lambda task, batch: (starting_from(task, {}), batch, False),
    "with_gradient": lambda task, batch: (with_gradient(task, lambda gradient: gradient), batch, False),
    "accumulate": lambda task, batch: (accumulate(task, 1), batch, False),
    "average_parameters": lambda task, batch: (average_parameters(task, 0.5), batch, False),
    "ensemble": lambda task, batch: (ensemble(task, how="vmap"), one_more_axis(batch), True),
    "resident": lambda task, batch: (resident(task, batch), jnp.arange(6), False),
    "scan": lambda task, batch: (scan(task, 1), one_more_axis(batch), False),
    "data_parallel": lambda task, batch: (data_parallel(task, ONE_DEVICE), batch, False),
    "fully_sharded": lambda task, batch: (fully_sharded(task, ONE_DEVICE), batch, False),
}


def one_more_axis(batch):
    return jax.tree.map(lambda leaf: leaf[None], batch)


def transforms():
    found = {}
    for module in (train.transforms, train.mesh):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            first = next(iter(inspect.signature(function).parameters), None)
            if function.__module__ == module.__name__ and not name.startswith("_") and first == "task":
                found[name] = function
    return found


def test_every_transform_has_a_neutral_form_here():
    assert transforms().keys() == NEUTRAL.keys()


TASKS = {"regression": regression_task, "normalized": normalized_task}


@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("name", NEUTRAL)
def test_the_neutral_form_takes_the_same_steps(name, make, float64):
    plain, data = make(), batches(1, 6)
    task, batch, has_seeds = NEUTRAL[name](plain, at(data, 0))
    expected, _ = run(plain, jax.tree.map(lambda leaf: jnp.concatenate([leaf, leaf]), data))
    state = jax.jit(task.init)(seed_keys([0]) if has_seeds else jax.random.key(0))
    for _ in range(2):
        state, metrics = jax.jit(task.step)(state, batch)
    params = at(state.params, 0) if has_seeds else state.params
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), params, expected.params)
    assert int(np.ravel(state.step)[0]) == 2
    assert np.isfinite(np.ravel(metrics["loss"])).all()


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_what_descends_is_still_known(name):
    plain = normalized_task()
    task, *_ = NEUTRAL[name](plain, at(batches(1, 6), 0))
    assert task.trainable is plain.trainable
