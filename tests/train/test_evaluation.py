"""Oracles of ``train/evaluation.py``: a plain loop over seeds and examples; the size of the batch changes nothing."""

from collections.abc import Sequence
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from train.evaluation import evaluator
from train.measures import average
from train.mesh import device_mesh, one_device, placement
from train.task import Stream

COUNT = 11
BATCHES = [1, 4, 10, 11, 64]
SEEDS = (5, 0, 9)


def examples(count: int = COUNT) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"x": rng.standard_normal((count, 3)).astype(np.float32), "id": np.arange(count, dtype=np.int32)}


class Source(Sequence):
    def __init__(self, arrays: dict[str, np.ndarray]):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays["id"])

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {name: leaf[index] for name, leaf in self.arrays.items()}


def metric_fn(params, batch, keys):
    """What each example is, what it draws, and a value of some shape; all of it element by element."""
    draw = jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys)
    return {"id": batch["id"], "draw": draw, "value": batch["x"] * params["scale"] + draw[:, :1]}


def params_of(seeds: int) -> dict[str, jax.Array]:
    return {"scale": jnp.linspace(0.5, 2.0, seeds)}


@cache
def whole(batch: int) -> dict[str, np.ndarray]:
    return run(batch)


def run(batch: int, data=None, seeds=SEEDS, params=None) -> dict[str, np.ndarray]:
    params = params_of(len(seeds)) if params is None else params
    return evaluator(
        lambda context: metric_fn, examples() if data is None else data, seeds, batch=batch, where=one_device()
    )(params)


def assert_same_bits(left: dict, right: dict) -> None:
    assert left.keys() == right.keys()
    for name, a in left.items():
        b = right[name]
        assert (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes()), name


@pytest.mark.parametrize("batch", BATCHES)
def test_every_example_of_every_seed_is_measured_once_in_order(batch):
    np.testing.assert_array_equal(whole(batch)["id"], np.tile(np.arange(COUNT), (len(SEEDS), 1)))


@pytest.mark.parametrize("batch", BATCHES)
def test_the_size_of_the_batch_changes_no_bit(batch):
    assert_same_bits(whole(batch), whole(COUNT))


@pytest.mark.parametrize("batch", [4, COUNT])
def test_an_examples_key_is_folded_from_its_seed_and_its_index(batch):
    def key(seed: int, index: int):
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), Stream.EVALUATION), index)

    expected = [[jax.random.uniform(key(seed, index), (2,)) for index in range(COUNT)] for seed in SEEDS]
    np.testing.assert_array_equal(whole(batch)["draw"], np.array(expected))


def test_examples_after_it_do_not_change_what_an_example_draws():
    few = run(4, {name: leaf[:6] for name, leaf in examples().items()})
    assert_same_bits(few, {name: leaf[:, :6] for name, leaf in whole(4).items()})


def test_values_are_those_of_the_formula():
    data, found, scale = examples(), whole(4), np.asarray(params_of(len(SEEDS))["scale"])
    expected = data["x"].astype(np.float64) * scale[:, None, None] + found["draw"][..., :1]
    # a product and a sum of float32 numbers below 8
    np.testing.assert_allclose(found["value"], expected, atol=8 * 2**-23)


def test_each_seed_of_several_is_that_seed_alone():
    together, params = whole(4), params_of(len(SEEDS))
    for place, seed in enumerate(SEEDS):
        own = slice(place, place + 1)
        alone = run(4, seeds=(seed,), params={"scale": params["scale"][own]})
        assert_same_bits(alone, {name: leaf[own] for name, leaf in together.items()})


@pytest.mark.parametrize("batch", BATCHES)
def test_a_random_access_source_gives_the_bits_of_arrays(batch):
    assert_same_bits(run(batch, Source(examples())), whole(batch))


def test_a_source_needs_only_a_length_and_items():
    class Bare:
        def __len__(self) -> int:
            return COUNT

        def __getitem__(self, index: int) -> dict[str, np.ndarray]:
            return {name: leaf[index] for name, leaf in examples().items()}

    assert_same_bits(run(4, Bare()), whole(4))


def test_evaluating_again_draws_the_same_numbers_and_only_parameters_matter():
    evaluate = evaluator(lambda context: metric_fn, examples(), SEEDS, batch=4, where=one_device())
    first, other = evaluate(params_of(3)), evaluate({"scale": jnp.zeros(3)})
    assert_same_bits(evaluate(params_of(3)), first)
    np.testing.assert_array_equal(other["draw"], first["draw"])
    np.testing.assert_array_equal(other["value"], np.broadcast_to(first["draw"][..., :1], (3, COUNT, 3)))


def test_products_of_matrices_do_not_depend_on_the_batch(float64):
    rng = np.random.default_rng(1)
    data = {"x": rng.standard_normal((COUNT, 40))}
    params = {"w": jnp.asarray(rng.standard_normal((2, 40, 30)))}

    def product(params, batch, keys):
        return {"y": jnp.tanh(batch["x"] @ params["w"]).sum(-1)}

    expected = np.tanh(np.einsum("ni,sij->snj", data["x"], np.asarray(params["w"]))).sum(-1)
    for batch in BATCHES:
        found = evaluator(lambda context: product, data, (0, 1), batch=batch, where=one_device())(params)["y"]
        # products of matrices of other sizes add up in another order: some 1e-15 a term, 40 · 30 terms
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_seed_among_others_has_the_bits_of_the_seed_alone():
    def decibels(params, batch, keys):
        noise = jax.vmap(lambda key: jax.random.normal(key, (3,)))(keys)
        return {"decibels": -10 * jnp.log10(jnp.mean((jnp.tanh(batch["x"] * params["scale"]) - noise) ** 2, axis=1))}

    def found(seeds, scale):
        return evaluator(lambda context: decibels, examples(), seeds, batch=4, where=one_device())(
            {"scale": jnp.asarray(scale)}
        )

    together = found((5, 0, 9), [0.5, 1.3, 2.0])
    for row, (seed, scale) in enumerate(((5, 0.5), (0, 1.3), (9, 2.0))):
        assert_same_bits(found((seed,), [scale]), {"decibels": together["decibels"][row : row + 1]})


def test_at_most_a_batch_of_examples_is_measured_at_once():
    sizes = []

    def count(params, batch, keys):
        sizes.append((batch["x"].shape[0], keys.shape[0]))
        return {"id": batch["id"]}

    evaluator(lambda context: count, examples(), (0, 1), batch=4, where=one_device())({"scale": jnp.zeros(2)})
    assert set(sizes) == {(4, 4)}


def test_it_says_how_many_examples_are_done():
    seen = []
    evaluator(lambda context: metric_fn, examples(), (0,), batch=4, where=one_device())(params_of(1), seen.append)
    assert seen == [4, 8, 11]


@pytest.mark.parametrize("shard", ["batch", "seeds", "parameters"])
@pytest.mark.parametrize("batch", BATCHES)
def test_divided_over_devices_it_is_the_same(shard, batch):
    where, seeds = placement(shard, device_mesh()), (5, 0)
    params = jax.device_put(params_of(2), where.state(params_of(2)))
    found = evaluator(lambda context: metric_fn, examples(), seeds, batch=batch, where=where)(params)
    assert_same_bits(found, run(batch, seeds=seeds))


def test_average_is_the_mean_over_examples_in_double_precision():
    values = np.full((2, 2**20), 0.1, np.float32)
    values[1] = np.arange(2**20) % 3
    found = average({"m": values})["m"]
    # pairwise summation in float64; in float32 these means would be off by about 1e-6
    np.testing.assert_allclose(found, [np.float64(np.float32(0.1)), values[1].astype(np.float64).mean()], rtol=1e-13)
    assert found.dtype == np.float64
