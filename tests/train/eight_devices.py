"""A program for eight fake devices (JAX_NUM_CPU_DEVICES=8): prints what it finds as one JSON object.

For each way of dividing, the largest relative difference to one device; the bytes of state per device; and the
difference after a checkpoint of four devices goes on on one, two and eight.
"""

import json
import sys
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import optax

from train.checkpoint import Checkpoints, to_host
from train.feed import resident_feed
from train.loop import advance
from train.mesh import local_mesh, one_device, place_elements, placement
from train.processes import place
from train.task import supervised

FEATURES, HIDDEN, SIZE, BATCH, STEPS = 16, 64, 50, 16, 5
SEEDS = list(range(8))
RNG = np.random.default_rng(0)
EXAMPLES = {"x": RNG.normal(size=(SIZE, FEATURES)), "y": RNG.normal(size=SIZE)}


def init_params(key):
    first, second = jax.random.split(key)
    return {"first": jax.random.normal(first, (FEATURES, HIDDEN)), "second": jax.random.normal(second, (HIDDEN,))}


def loss_fn(params, batch, keys):
    noise = jax.vmap(lambda key: jax.random.normal(key, (HIDDEN,)))(keys)
    predicted = jnp.tanh(batch["x"] @ params["first"] + 0.1 * noise) @ params["second"]
    return (predicted - batch["y"]) ** 2, {}


TASK, FEED = supervised(loss_fn, init_params, optax.adam(0.01)), resident_feed(EXAMPLES, SEEDS, BATCH)


def beginning(where):
    make = jax.vmap(where.task(TASK).init)
    keys = jnp.stack([jax.random.key(seed) for seed in SEEDS])
    return jax.jit(make, out_shardings=where.state(jax.eval_shape(make, keys)))(keys)


def chunk(where, state, first):
    elements = place_elements(next(FEED.read([(first, STEPS)])), where, part_of_batch=False)
    resident = place((FEED.resident, ()), jax.tree.map(lambda _: where.replicated, (FEED.resident, ())))
    shardings = (where.state(state), where.replicated, where.replicated)
    step = jax.jit(advance(lambda context: TASK, FEED, STEPS, "map", where), out_shardings=shardings)
    return step(state, resident, elements)[:2]


def difference(left, right):
    pairs = zip(jax.tree.leaves(to_host(left)), jax.tree.leaves(to_host(right)), strict=True)
    return max(float(np.max(np.abs(a - b) / (np.abs(b) + 1e-12))) for a, b in pairs if a.dtype.kind == "f")


def bytes_per_device(state):
    params = jax.tree.leaves((state.params, state.opt_state))
    return [
        sum(s.data.nbytes for leaf in params for s in leaf.addressable_shards if s.device == d) for d in jax.devices()
    ]


def main():
    jax.config.update("jax_enable_x64", True)
    alone = chunk(one_device(), beginning(one_device()), 0)
    further = chunk(one_device(), alone[0], STEPS)
    found = {"devices": len(jax.devices()), "chunk": {}, "bytes": {}, "restored": {}}
    for shard in ("batch", "seeds", "parameters"):
        for count in (2, 4, 8):
            where = placement(shard, local_mesh(count))
            after = chunk(where, beginning(where), 0)
            found["chunk"][f"{shard} {count}"] = difference(after, alone)
            found["bytes"][f"{shard} {count}"] = bytes_per_device(after[0])[:count]
        with tempfile.TemporaryDirectory() as folder, Checkpoints(folder) as checkpoints:
            where = placement(shard, local_mesh(4))
            checkpoints.save(STEPS, chunk(where, beginning(where), 0)[0], {})
            checkpoints.wait()
            for count in (1, 2, 8):
                where = placement(shard, local_mesh(count))
                restored = checkpoints.restore(beginning(where)).tree
                found["restored"][f"{shard} {count}"] = difference(chunk(where, restored, STEPS), further)
    found["bytes"]["one"] = bytes_per_device(alone[0])[:1]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
