"""Neighbours say what words do not; the penalty is of the first layer; the whole graph is taken at every step."""

import jax
import numpy as np
import optax
import pytest
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.graphs.citation_graph.card import CARD
from experiments.graphs.citation_graph.experiment import CitationGraphSettings
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.run.summary import departures

SHORT = configure(CitationGraphSettings(), steps=100)


def test_it_learns_and_a_node_is_measured_the_same_whatever_stands_beside_it():
    found = assert_same_at_every_evaluation_batch(*trained("citation_graph", SHORT))
    assert found["error"] < 25  # by chance 80


@pytest.mark.parametrize(("preset", "changed"), [("gat", {"heads": (2, 1)}), ("sgc", {}), ("appnp", {"steps": 200})])
def test_every_other_method_learns(preset, changed):
    settings = configure(SHORT, CARD.presets[preset] | changed)
    assert measured(*trained("citation_graph", settings))["error"] < 25


def test_words_alone_say_less():
    assert 25 < measured(*trained("citation_graph", configure(SHORT, CARD.presets["mlp"])))["error"] < 60


def test_dropout_is_drawn_anew_at_each_step():
    run = prepare("citation_graph", "default", SHORT)
    task, batch = run.task(), run.dataset.splits["train"]
    loss = jax.jit(lambda state: task.step(state, batch)[1]["loss"])
    state = task.init(jax.random.key(7))
    first = float(loss(state))
    assert float(loss(state)) == first != float(loss(state._replace(step=state.step + 1)))


def test_weight_decay_is_of_the_first_layer_alone():
    """A step without a gradient moves what decays, and nothing else."""
    config = configure(CitationGraphSettings(), weight_decay=0.1, optimizer="sgd", learning_rate=1.0).optimization
    _, params = trained("citation_graph", configure(SHORT, steps=1))
    one = jax.tree.map(lambda leaf: leaf[0], params)
    optimizer = config.build(1)
    updates, _ = optimizer.update(jax.tree.map(np.zeros_like, one), optimizer.init(one), one)
    moved = optax.apply_updates(one, updates)["params"]
    first, second = (one["params"][name]["kernel"] for name in ("layer_0", "layer_1"))
    np.testing.assert_allclose(moved["layer_0"]["kernel"], 0.9 * first, rtol=1e-6)
    np.testing.assert_array_equal(moved["layer_1"]["kernel"], second)


@pytest.mark.parametrize(
    ("preset", "split", "departs"),
    [
        ("default", 0, []),
        ("default", 2, ["split_seed"]),
        ("random", 1, []),
        ("random", 7, []),
        ("random", 0, ["split_seed"]),
    ],
)
def test_a_random_split_is_as_good_as_another_and_none_is_the_graphs_own(preset, split, departs, monkeypatch):
    monkeypatch.setitem(CARD.presets, "random", {"split_seed": 1})
    run = prepare("citation_graph", preset, configure(CitationGraphSettings(), split_seed=split, seed=5))
    assert departures(run) == departs


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_are_refused_in_one_line(parts):
    with pytest.raises(ValueError, match=f"--accumulate {parts} cuts the batch"):
        configure(CitationGraphSettings(), accumulate=parts)


def test_what_a_method_does_not_have_is_idle():
    assert configure(SHORT, method="sgc").idle().keys() >= {"width", "dropout", "heads", "teleport"}
    assert "passes" not in configure(SHORT, method="sgc").idle()
