"""The settings that tell a run apart: in words, from the summary itself or, of an older one, by comparison."""

import pytest
from run_folders import make_run, nll, only_row, shown

from experiments.report.archive import find_runs
from experiments.report.departures import departures, in_words
from experiments.report.ledger import ledger_rows
from experiments.run.inconsequential import INCONSEQUENTIAL
from experiments.run.settings import PlacementSettings, Seeds


def settings_of(folder):
    return {row.run: row.settings for row in ledger_rows(find_runs(folder))}


def test_the_summary_says_in_what_it_departs(tmp_path):
    row = only_row(tmp_path, departs={"beta": 4.0, "latent": 2})
    assert shown(row, "settings") == "beta 4, latent 2"
    assert shown(row, "run") == "run"


@pytest.mark.parametrize(
    ("value", "words"),
    [(4.0, "x 4"), (0.25, "x 0.25"), (1e-5, "x 1e-05"), (50000, "x 50000"), ("a b", "x a b"), (True, "x yes"),
     (False, "x no"), (None, "x none"), ([64, 128], "x 64 128"), ([], "x none"), ({"a": [1]}, 'x {"a": [1]}')],
)  # fmt: skip
def test_a_value_is_written_as_people_write_it(value, words):
    assert in_words({"x": value}) == words


def test_parameters_of_another_run_are_a_departure(tmp_path):
    row = only_row(tmp_path, departs={"beta": 4.0}, **{"from": {"workdir": "/home/me/runs/a", "step": 20}})
    assert shown(row, "settings") == "beta 4, from a at step 20"
    origin = {"workdir": "/home/me/runs/a", "step": 20, "frozen": ["params/trunk"]}
    row = only_row(tmp_path / "frozen", departs={}, **{"from": origin})
    assert shown(row, "settings") == "from a at step 20, frozen params/trunk"


def test_a_long_text_is_cut():
    assert in_words({"x": "a" * 100}) == "x " + "a" * 39 + "…"


def test_an_older_summary_is_compared_with_what_its_preset_names(tmp_path):
    """The preset `paper` of the card of `vae` names latent 50 and batch_size 20, and nothing of beta."""
    named = {"latent": 2, "batch_size": 20, "steps": 7, "seeds": 3, "beta": 4.0}
    make_run(tmp_path / "a", preset="paper", references=[], config=named)
    make_run(tmp_path / "b", preset="other", references=[], config=named)
    make_run(tmp_path / "c", experiment="forgotten", references=[], config=named)
    assert settings_of(tmp_path) == {"a": "latent 2", "b": "", "c": ""}


def test_an_older_summary_tells_by_its_references_what_else_departs(tmp_path):
    reference = {"metric": "nll", "value": 1.0, "unit": "nats", "source": "A", "departs_in": ["rate", "from"]}
    make_run(tmp_path / "a", references=[reference], config={"rate": 0.5, "beta": 1.0})
    assert settings_of(tmp_path) == {"a": "rate 0.5"}


def test_older_runs_of_one_preset_are_told_apart_by_what_differs_between_them(tmp_path):
    common = {"data_dir": "/x", "latent": 8}
    make_run(tmp_path / "a", references=[], config=common | {"beta": 1.0, "seed": 0, "widths": [8]})
    make_run(tmp_path / "b", references=[], config=common | {"beta": 4.0, "seed": 5, "widths": [8, 8]})
    make_run(tmp_path / "c", references=[], config=common | {"beta": 1, "seed": 9, "added_later": 3})
    make_run(tmp_path / "d", references=[], config=common | {"beta": 2.0}, departs={})
    make_run(tmp_path / "e", references=[], config=common | {"latent": 9}, preset="other")
    assert settings_of(tmp_path) == {
        "a": "beta 1, widths 8", "b": "beta 4, widths 8 8", "c": "beta 1", "d": "", "e": "",
    }  # fmt: skip


def test_what_is_no_object_counts_as_not_said(tmp_path):
    make_run(tmp_path / "a", departs=["beta"], references=[], metrics=nll(1.0))
    assert departures(find_runs(tmp_path)) == {"a": {}}


def test_what_says_only_where_and_how_long_is_complete():
    for group in (Seeds, PlacementSettings):
        assert set(group.__dataclass_fields__) <= INCONSEQUENTIAL
    assert {"data_dir", "steps", "chunk", "evaluate_every", "save_every", "accumulate"} <= INCONSEQUENTIAL
