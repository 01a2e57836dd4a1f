"""What is to be replicated: its order, its cost, what it lacks, and what a ledger has finished."""

import json
from types import SimpleNamespace

import pytest
from run_folders import make_run

from experiments.errors import WrongInput
from experiments.report.archive import find_runs
from experiments.report.costs import ESTIMATES, Rate, estimated_seconds, recorded_rates, seconds
from experiments.report.replication import (
    Job,
    Wanted,
    finished_run,
    fits,
    in_order,
    lacks,
    places_of,
    wanted_presets,
)
from experiments.run.card import Card, Reference
from experiments.run.registry import Entry, entries


def settings(steps=3000, seeds=3):
    return SimpleNamespace(loop=SimpleNamespace(steps=steps), seeds=SimpleNamespace(seeds=seeds))


def reference(preset, **more):
    return Reference("nll", 1.0, "nats", cite="burda2016", read="source", protocol="", preset=preset, **more)


def test_presets_with_figures_are_named_once_with_the_data_they_read():
    presets = dict(own=dict(data="mnist"), photos=dict(data="tfds:cifar10"), grid=dict(data="grid"), graph={})
    references = [reference(name) for name in ("own", "own", "photos", "grid")] + [reference("graph", data="cora")]
    card = Card(systems=("A1",), presets=presets, references=tuple(references))
    found = wanted_presets([Entry("autoencoders", "vae", card, "A vae."), Entry("a", "b", Card(systems=("A2",)), "B.")])
    assert [(each.title, each.data) for each in found] == [
        ("vae own", "mnist"), ("vae photos", "cifar10"), ("vae grid", ""), ("vae graph", "cora"),
    ]  # fmt: skip


def test_what_is_at_hand_is_not_lacking(tmp_path):
    places = places_of([f"mnist={tmp_path}"], ["mnist", "cora"])
    assert lacks(Wanted("mlp", "softmax", "mnist"), places) == ""
    assert lacks(Wanted("perceptron", "default"), {}) == ""
    assert lacks(Wanted("citation_graph", "cora_gcn", "cora"), places) == "cora is not at hand: --data-dir cora=PLACE"
    assert lacks(Wanted("fcn", "paper_sizes", "", "another net"), places) == "another net"
    for word, said in (("mnist", "NAME=PLACE"), ("nmist=.", "cora, mnist"), ("cora=/no/such", "no such file")):
        with pytest.raises(WrongInput, match=said):
            places_of([word], ["mnist", "cora"])


def test_the_longest_run_says_what_a_step_of_a_seed_takes(tmp_path):
    make_run(tmp_path / "a", steps=100, wall_seconds=999.0)
    make_run(tmp_path / "b", steps=1000, seeds=[0, 1], wall_seconds=50.0)
    make_run(tmp_path / "c", steps=9000, wall_seconds=None)
    rates = recorded_rates(find_runs(tmp_path))
    assert rates == {("vae", "default"): Rate(50.0 / 1000 / 2, "b")}
    assert seconds("vae", "default", steps=4000, seeds=3, rates=rates, estimates={}) == pytest.approx(300)
    estimates = {("vae", "paper"): 7.0, ("vae", "default"): 1.0}
    assert seconds("vae", "paper", steps=4000, seeds=3, rates=rates, estimates=estimates) == 21
    assert seconds("vae", "iwae", steps=4000, seeds=3, rates=rates, estimates=estimates) is None


def test_estimates_are_of_presets_that_have_figures(tmp_path):
    assert estimated_seconds(tmp_path / "none.json") == {}
    (tmp_path / "some.json").write_text(json.dumps({"vae paper": 12}))
    assert estimated_seconds(tmp_path / "some.json") == {("vae", "paper"): 12.0}
    known = {each[:2] for each in wanted_presets(entries())}
    assert estimated_seconds(ESTIMATES).keys() <= known


def test_the_cheapest_comes_first_and_the_unknown_last():
    rates = {("slow", "default"): Rate(1.0, "a"), ("quick", "default"): Rate(0.001, "b")}
    wanted = [Wanted(name, "default") for name in ("unknown", "slow", "quick", "estimated")]
    jobs = in_order(dict.fromkeys(wanted, settings(100, 3)), rates, {("estimated", "default"): 10.0})
    assert [job.wanted.experiment for job in jobs] == ["quick", "estimated", "slow", "unknown"]
    assert [job.seconds for job in jobs] == [pytest.approx(0.3), 30, 300, None]
    assert [fits(job, 30.0) for job in jobs] == [True, True, False, False]
    assert all(fits(job, None) for job in jobs)


@pytest.mark.parametrize(
    ("changes", "done"),
    [
        ({}, True),
        ({"seeds": [0, 1]}, False),
        ({"config": {"steps": 2999}}, False),
        ({"config": {"steps": 9000}}, True),
        ({"departs": {"beta": 4.0}}, False),
        ({"preset": "paper"}, False),
        ({"steps": 10, "stopped_early": True}, True),
        ({"config": {}}, False),
    ],
)
def test_finished_is_what_kept_to_the_preset_for_as_long_with_as_many_seeds(tmp_path, changes, done):
    make_run(tmp_path / "run", **({"config": {"steps": 3000}, "departs": {}} | changes))
    found = finished_run(Job(Wanted("vae", "default"), settings(), 1.0), find_runs(tmp_path))
    assert (found is not None) == done
