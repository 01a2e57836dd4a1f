import dataclasses

import pytest

from experiments.report.archive import find_runs
from experiments.report.systems import BEGIN, END, ROOT, between, readme_of, systems_table
from experiments.run.card import Card, Reference
from experiments.run.registry import Entry, entries


def test_readme_says_what_cards_and_ledger_say():
    """``make ledger`` writes it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme_of(readme, entries(), find_runs(ROOT / "docs" / "ledger")) == readme


def test_a_row_has_what_was_published_and_what_was_measured(tmp_path):
    from run_folders import make_run, nll

    reference = Reference(
        "nll", 86.76, "nats", cite="burda2016", where="table 1", read="memory", protocol="", preset="default"
    )
    other = dataclasses.replace(reference, preset="never run")
    card = Card(systems=("A12", "A13", "A14", "A16"), references=(reference, other), presets={"never run": {}})
    later = Entry("generative", "vae", card, "A summary.\n\nMore.")
    earlier = Entry("foundations", "mlp", Card(systems=("F2",)), "Another.")
    make_run(tmp_path / "a", metrics=nll(88.0, 90.0), departs={})
    make_run(tmp_path / "b", metrics=nll(3.0), preset="other", departs={})
    rows = systems_table([later, earlier], find_runs(tmp_path)).splitlines()[2:]
    assert rows[0] == "| `mlp` | Another | F2 |  |"
    figure = "nll 89.0 ± 1.4, published 86.76 (not compared, 2 seeds of at least 3)"
    assert rows[1] == f"| `vae` | A summary | A12–A14, A16 | {figure}; 1 published figure not run |"


def test_of_many_figures_the_first_stand_there_and_the_others_are_counted(tmp_path):
    from run_folders import make_run

    names = "abcde"
    printed = [Reference(n, 1.0, "nats", cite="burda2016", read="memory", protocol="", preset="default") for n in names]
    metrics = {name: {"values": [1.0, 1.1, 1.2], "unit": "nats"} for name in names}
    make_run(tmp_path / "a", metrics=metrics, references=[], departs={})
    entry = Entry("generative", "vae", Card(systems=("A12",), references=tuple(printed)), "A summary.")
    (row,) = systems_table([entry], find_runs(tmp_path)).splitlines()[2:]
    assert row.count("published 1 (met") == 3
    assert row.endswith("; 2 more run |")


def test_a_metric_that_two_presets_measure_is_told_apart_by_them(tmp_path):
    from run_folders import make_run

    def printed(metric, preset, value):
        return Reference(metric, value, "nats", cite="burda2016", read="memory", protocol="", preset=preset)

    references = (printed("nll", "one", 2.0), printed("nll", "other", 4.0), printed("kl", "other", 1.0))
    card = Card(systems=("A12",), references=references, presets={"one": {}, "other": {}})
    for preset in card.presets:
        metrics = {name: {"values": [2.0, 2.1, 2.2], "unit": "nats"} for name in ("nll", "kl")}
        make_run(tmp_path / preset, metrics=metrics, preset=preset, references=[], departs={})
    (row,) = systems_table([Entry("generative", "vae", card, "A.")], find_runs(tmp_path)).splitlines()[2:]
    assert [figure.split(" 2.")[0] for figure in row.split(" | ")[-1].split("; ")] == ["`one` nll", "`other` nll", "kl"]


def test_only_the_table_is_replaced():
    assert between(f"a\n{BEGIN}\nold\n{END}\nb", (BEGIN, END), "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb"
    with pytest.raises(ValueError, match="expected the marks"):
        between("no marks", (BEGIN, END), "new\n")
