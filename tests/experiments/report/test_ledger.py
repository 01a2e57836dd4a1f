"""The ledger from made-up run folders: what is found, read, compared and written."""

import io
import json
import re
import statistics
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from run_folders import NLL, OTHER_THAN_OBJECTS, REFERENCE, Page, make_run, nll, only_row, shown, summary

from experiments.report.archive import find_runs, read_metrics
from experiments.report.ledger import COLUMNS, ledger_rows
from experiments.report.page import html_page
from experiments.report.report import ReportError, markdown, report, table


def test_runs_are_found_at_and_below_a_folder_by_name(tmp_path):
    for name in ("vae/second", "gan", "vae/first"):
        make_run(tmp_path / name)
    assert [run.name for run in find_runs(tmp_path)] == ["gan", "vae/first", "vae/second"]
    assert [run.name for run in find_runs(tmp_path / "gan")] == ["gan"]
    assert find_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"experiment": "va', "Unterminated"),
        *((text, f"it should hold a JSON object .*, and holds {held}") for text, held in OTHER_THAN_OBJECTS),
        ("", "Expecting value"),
        (json.dumps({k: v for k, v in summary().items() if k != "metrics"}), "'metrics' of the summary is missing"),
        (json.dumps(summary(metrics={"nll": {"values": ["20"], "unit": ""}})), r"'values'.*\[0\] is a text"),
        (json.dumps(summary(references=[{"metric": "nll"}])), "'value' of 'references' of the summary"),
        (json.dumps(summary(references=[REFERENCE | {"departs_in": 3}])), "'departs_in' of 'references'.* is a number"),
        (json.dumps(summary(wall_seconds=float("nan"))), "NaN"),
        (json.dumps(summary(steps=10**400)), "no number for a ledger"),
        (json.dumps(summary(experiment="\ud800")), "surrogates not allowed"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_summary_is_named_and_the_others_are_shown(tmp_path, capsys, content, problem):
    make_run(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "summary.json").write_text(content, encoding="utf-8")
    bad, good = find_runs(tmp_path)
    assert re.search(problem, bad.problem)
    assert not good.problem
    report(tmp_path, tmp_path / "page.html")
    assert "bad/summary.json" in capsys.readouterr().out
    assert "bad/summary.json" in "".join(Page((tmp_path / "page.html").read_text(encoding="utf-8")).text)


def test_a_summary_of_no_text_is_damaged(tmp_path):
    make_run(tmp_path / "run").joinpath("summary.json").write_bytes(b"\xff\xfe\x00")
    assert "utf-8" in find_runs(tmp_path)[0].problem


def test_the_deviation_is_that_of_a_sample_whatever_the_summary_says(tmp_path):
    row = only_row(tmp_path)
    assert row.deviation == pytest.approx(np.std(NLL, ddof=1)) == pytest.approx(statistics.stdev(NLL))
    assert row.deviation != pytest.approx(np.std(NLL))
    assert shown(row, "ours") == "20.25 ± 0.65"


def test_a_row_shows_what_was_measured_beside_what_was_published(tmp_path):
    row = only_row(tmp_path)
    assert [column.line(row) for column in COLUMNS] == [
        "vae", "default", "", "run", "nll (nats)", "20.25 ± 0.65", "20.01 (Burda et al. 2016, table 1)", "+0.240",
        "4", "296.1 epochs", "digits 1297/250/250", "2 min 5 s", "cpu x1 (AMD EPYC)", "abc1234de",
    ]  # fmt: skip


def test_one_seed_has_no_deviation_and_a_lost_seed_no_mean(tmp_path):
    assert shown(only_row(tmp_path / "a", metrics=nll(20.125), seeds=[0]), "ours") == "20.12"
    lost = only_row(tmp_path / "b", metrics=nll(20.0, None, 21.0))
    assert (shown(lost, "ours"), lost.difference) == ("not finite (1 of 3 seeds)", None)


@pytest.mark.parametrize(("seeds", "seen"), [([0], "1"), ([7], "1 (seed 7)"), ([4, 5], "2 (from seed 4)"), ([], "0")])
def test_a_row_tells_seeds_that_do_not_begin_at_0(tmp_path, seeds, seen):
    row = only_row(tmp_path, metrics=nll(*[20.0] * len(seeds)), seeds=seeds)
    assert shown(row, "seeds") == seen


def test_a_commit_is_short_and_keeps_its_remark(tmp_path):
    assert shown(only_row(tmp_path, commit="0123456789abcdef+changes"), "commit") == "012345678+changes"


def test_numbers_of_different_units_are_not_subtracted(tmp_path):
    row = only_row(tmp_path, metrics=nll(2.0, unit="bits"))
    assert (row.difference, shown(row, "published")) == (None, "20.01 nats (Burda et al. 2016, table 1)")


def test_a_run_without_a_reference_has_a_row_for_each_metric(tmp_path):
    make_run(tmp_path / "a", references=[], metrics=nll(1.0) | {"elbo": {"values": [2.0], "unit": ""}})
    make_run(tmp_path / "b", references=[], metrics={}, epochs=None, wall_seconds=None, commit=None)
    rows = ledger_rows(find_runs(tmp_path))
    assert [(row.run, row.metric, row.mean) for row in rows] == [("a", "nll", 1.0), ("a", "elbo", 2.0), ("b", "", None)]
    assert [shown(rows[2], name) for name in ("training", "published", "time", "commit")] == ["3,000 steps", "", "", ""]


def test_markdown_cells_cannot_break_out_of_the_table(tmp_path):
    row = only_row(tmp_path, experiment="a|b\\|c\nd", device="<b>*`")
    line = markdown([row]).splitlines()[2]
    assert len(re.sub(r"\\.", "", line).split("|")) == len(COLUMNS) + 2
    assert line.startswith(r"| a\|b\\\|c d | default")
    assert r"| \<b\>\*\` |" in line


def test_the_terminal_shows_text_not_commands(tmp_path):
    row = only_row(tmp_path, experiment="[red]vae\x1b[2J")
    console = Console(width=300, file=io.StringIO())
    console.print(table([row]))
    assert "[red]vae [2J" in console.file.getvalue()
    assert "\x1b[2J" not in console.file.getvalue()


def test_a_narrow_terminal_loses_whole_columns_and_says_which(tmp_path):
    row = only_row(tmp_path, departs={"beta": 4.0})
    narrow = table([row], width=90)
    names = [column.header for column in narrow.columns]
    assert {"system", "metric", "ours", "published", "difference"} <= set(names) < {column.name for column in COLUMNS}
    assert all(c.name in names or c.name in narrow.caption for c in COLUMNS)
    assert table([row], width=300).caption is None


def test_damaged_lines_of_the_log_are_named_and_the_others_kept(tmp_path):
    with (make_run(tmp_path / "run") / "metrics.jsonl").open("a") as log:
        log.write('{"step": 4, "split": "valid", "nll": NaN}\n{"step": 5, "spl')
    (run,) = find_runs(tmp_path)
    rows, left_out = read_metrics(run)
    assert (len(rows), left_out) == (6, ["metrics.jsonl: damaged lines: 2, the first is line 7"])
    assert left_out[0] in "".join(Page(html_page([run])).text)


def test_no_run_is_an_error_that_says_what_to_type(tmp_path):
    with pytest.raises(ReportError, match="lectern run vae"):
        report(tmp_path, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_the_report_is_printed_and_written_whole_or_not_at_all(tmp_path, capsys, monkeypatch):
    make_run(tmp_path / "runs" / "a")
    target = tmp_path / "out" / "page.html"
    report(tmp_path / "runs", target, tmp_path / "ledger.md")
    printed = capsys.readouterr().out
    assert all(said in printed for said in ("20.25 ± 0.65", str(target), str(tmp_path / "ledger.md")))
    assert (tmp_path / "ledger.md").read_text(encoding="utf-8") == markdown(ledger_rows(find_runs(tmp_path / "runs")))
    before = target.read_bytes()
    make_run(tmp_path / "runs" / "b")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(ReportError, match="disk full"):
        report(tmp_path / "runs", target)
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]
    assert target.read_bytes() == before
