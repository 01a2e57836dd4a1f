"""Pupils and sources: each is what it would be if it were trained by itself on its own examples."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from experiments.convnets.transfer import experiment
from experiments.convnets.transfer.card import CARD
from experiments.convnets.transfer.experiment import EXPERIMENT, TransferSettings, network
from experiments.convnets.transfer.pupils import LABELS, PUPILS, Pool, Trunk, transfer_task
from experiments.objectives.classification import classification_loss
from experiments.run.settings import configure
from train.task import supervised


class Net(nn.Module):
    """In double precision, so that its training can be compared to 1e-9."""

    @nn.compact
    def __call__(self, images):
        dense = partial(nn.Dense, param_dtype=float)
        hidden = nn.relu(dense(5, name="first")(images.reshape(len(images), -1)))
        return dense(2, name="last")(nn.relu(dense(4, name="second")(hidden)))


MODEL, TRUNK = Net(), Trunk(("first", "second"))
FIRST_STEPS, STEPS, DRAWS = 3, 5, 2
RATES = dict(source_optimizer=optax.adam(0.05), pupil_optimizer=optax.adam(0.02))


def examples(count, classes, seed):
    rng = np.random.default_rng(seed)
    return {"image": jnp.asarray(rng.normal(size=(count, 4, 4, 1))), "label": jnp.arange(count) % classes}


@pytest.fixture
def pool(float64):
    return Pool(**examples(60, 2, seed=1), classes=2)


@pytest.fixture
def trained(pool):
    """The states at the start, when the sources are done, and at the end; the batch that every step saw."""
    task = transfer_task(MODEL, TRUNK, pool, first_classes=2, draws=DRAWS, pretrain_steps=FIRST_STEPS, **RATES)
    batch, states = examples(12, 4, seed=2), [jax.jit(task.init)(jax.random.key(0))]
    step = jax.jit(task.step)
    for _ in range(STEPS):
        states.append(step(states[-1], batch)[0])
    return batch, states[0], states[FIRST_STEPS], states[-1]


def descended(start, data, optimizer, steps):
    """Full-batch descent of one net, as any other experiment would do it."""
    loss_fn = classification_loss(lambda keys, params, images: MODEL.apply(params, images), "cross_entropy")
    task = supervised(loss_fn, lambda key: start, optimizer)
    state = task.init(jax.random.key(0))
    for _ in range(steps):
        state, _ = jax.jit(task.step)(state, data)
    return state.params


def close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), one, other)


def at(tree, *index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def test_a_pupil_is_a_net_trained_on_its_own_labels(pool, trained):
    _, start, between, end = trained
    for draw, name in ((0, "scratch_5"), (1, "tuned_10"), (0, "tuned_20")):
        number, labels = PUPILS.index(name), int(name.split("_")[1])
        chosen = start.carried["labelled"][draw].reshape(2, max(LABELS))[:, :labels].ravel()
        own = {"image": pool.image[chosen], "label": pool.label[chosen]}
        beginning = at(between.params["pupils"], draw, number)
        expected = descended(beginning, own, RATES["pupil_optimizer"], STEPS - FIRST_STEPS)
        close(at(end.params["pupils"], draw, number), expected)


def test_a_source_is_a_net_trained_on_the_first_classes(trained):
    """Of the batch's twelve examples six are of these: the mean over the batch is half of theirs."""
    batch, start, between, end = trained
    known = np.asarray(batch["label"]) < 2
    seen = {name: leaf[known] for name, leaf in batch.items()}
    expected = descended(at(start.params["source"], 1), seen, optax.chain(optax.scale(0.5), optax.adam(0.05)), 3)
    close(at(between.params["source"], 1), expected)
    jax.tree.map(np.testing.assert_array_equal, end.params["source"], between.params["source"])


def test_trunks_are_taken_frozen_or_new(trained):
    _, start, between, end = trained
    for name in PUPILS:
        for draw in range(DRAWS):
            first, before, after = (
                at(state.params["pupils"], draw, PUPILS.index(name))["params"] for state in (start, between, end)
            )
            source = at(between.params["source"], draw)["params"]
            for module in first:
                taken = module in TRUNK.modules and not name.startswith("scratch")
                jax.tree.map(np.testing.assert_array_equal, before[module], (source if taken else first)[module])
                still = module in TRUNK.modules and name.startswith("frozen")
                same = [
                    np.array_equal(*leaves)
                    for leaves in zip(*map(jax.tree.leaves, (before[module], after[module])), strict=True)
                ]
                assert set(same) == {still}, (name, module)


def test_labelled_examples_are_of_all_classes_and_other_in_each_draw(pool, trained):
    chosen = np.asarray(trained[1].carried["labelled"])
    assert all(len(set(row)) == 2 * max(LABELS) for row in chosen)
    np.testing.assert_array_equal(pool.label[chosen], np.tile(np.repeat([0, 1], max(LABELS)), (DRAWS, 1)))
    assert set(chosen[0]) != set(chosen[1])


def test_the_figure_over_seeds_draws_what_is_measured_of_each(monkeypatch):
    shown = []
    monkeypatch.setattr(experiment, "errors_by_labels", lambda errors, repetition: shown.append((errors, repetition)))
    settings = configure(configure(TransferSettings(), CARD.default), CARD.smoke)
    dataset = settings.images.load()
    nets = jax.random.split(jax.random.key(0), (3, settings.draws, len(PUPILS)))
    init = jax.vmap(jax.vmap(jax.vmap(network(settings, dataset).init, (0, None)), (0, None)), (0, None))
    pupils = init(nets, jnp.asarray(dataset.example()["image"]))
    params = {"source": jax.tree.map(lambda leaf: leaf[:, :, 0], pupils), "pupils": pupils}
    EXPERIMENT.figures_of_seeds(settings, dataset, params)
    batch = jax.tree.map(jnp.asarray, dataset.whole("test"))
    metric_fn = EXPERIMENT.metrics(settings, dataset)
    found = jax.jit(jax.vmap(lambda params: metric_fn(params, batch, jax.random.split(jax.random.key(0), 1))))(params)
    of_each = [found[f"{name}/error"] for name in PUPILS]
    expected = [ratio.total.sum(axis=1) / ratio.count.sum(axis=1) for ratio in of_each]
    ((errors, repetition),) = shown
    assert repetition == "seed"
    np.testing.assert_allclose(errors, np.transpose(expected), rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trunk": 4}, "--trunk 4: the last of 4 layers of --pattern is always new"),
        ({"pattern": "CONV 4 → BN → FC", "trunk": 1}, "--pattern with BN"),
        ({"patience": 3}, "--patience watches the error"),
    ],
)
def test_settings_that_cannot_hold_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        configure(configure(TransferSettings(), CARD.default), fields)
