"""One row a run and metric: referenced ones first, further ones where they are asked for, folded on the page."""

import io
import re

from rich.console import Console
from run_folders import REFERENCE, Page, make_run, nll

from experiments.cli.main import main
from experiments.report.archive import find_runs
from experiments.report.curves import WIDTH
from experiments.report.ledger import COLUMNS, ledger_rows
from experiments.report.page import html_page
from experiments.report.page_assets import STYLE
from experiments.report.report import markdown, report, table

MORE = {"kl": {"values": [1.0, 3.0], "unit": "nats"}, "active": {"values": [4.0], "unit": ""}}


def two_runs(folder):
    """One with two references to one metric and two further metrics, one without a reference."""
    other = REFERENCE | {"value": 19.0, "source": "Elsewhere"}
    make_run(folder / "a", references=[REFERENCE, other], metrics=nll(20.0) | MORE)
    make_run(folder / "b", references=[], metrics=nll(30.0) | MORE)


def test_further_metrics_are_rows_where_they_are_asked_for(tmp_path):
    two_runs(tmp_path)
    few = [(row.run, row.metric, row.published, row.further) for row in ledger_rows(find_runs(tmp_path))]
    assert few[:2] == [("a", "nll", 20.01, False), ("a", "nll", 19.0, False)]
    assert few[2:] == [("b", name, None, False) for name in ("nll", "kl", "active")]
    every = [(row.run, row.metric, row.published, row.further) for row in ledger_rows(find_runs(tmp_path), every=True)]
    assert every == [*few[:2], ("a", "kl", None, True), ("a", "active", None, True), *few[2:]]


def test_terminal_and_markdown_have_them_with_all(tmp_path, capsys):
    two_runs(tmp_path / "runs")
    file = tmp_path / "ledger.md"
    for flags, count in (([], 5), (["--all"], 7)):
        assert main(["report", str(tmp_path / "runs"), "--markdown", str(file), *flags]) == 0
        assert len(file.read_text(encoding="utf-8").splitlines()) == 2 + count
        assert len(re.findall(r"^vae ", capsys.readouterr().out, re.MULTILINE)) == count


def test_the_page_folds_them_below_the_first_row_of_their_run(tmp_path):
    two_runs(tmp_path)
    text = html_page(find_runs(tmp_path))
    rows = re.findall(r"<tr>(?!<th).*?</tr>", text, re.DOTALL)
    assert len(rows) == 5
    folded = "<details><summary>2 more</summary><dl><dt>kl (nats)</dt><dd>2.0 ± 1.4</dd>"
    folded += "<dt>active</dt><dd>4.000</dd></dl></details>"
    assert [folded in row for row in rows] == [True, False, False, False, False]
    assert "<details" not in "".join(rows[1:])


def test_how_a_number_was_taken_stands_beside_its_metric(tmp_path):
    """In the table, in Markdown and on the page, folded or not; pooled runs keep it."""
    protocol = "500 samples of averaged weights"
    taken = {name: {"values": [2.0], "unit": "", "protocol": protocol} for name in ("distance", "recall")}
    for seed in (0, 1):
        make_run(tmp_path / str(seed), seeds=[seed], references=[REFERENCE | {"metric": "distance"}], metrics=taken)
    runs = find_runs(tmp_path)
    assert [row.taken for row in ledger_rows(runs, every=True, pool=True)] == [protocol, protocol]
    assert f"| distance ({protocol}) |" in markdown(ledger_rows(runs))
    page = html_page(runs)
    assert page.count(f"distance<small>{protocol}</small>") == 2
    assert page.count(f"<dt>recall</dt><dd>2.000<small>{protocol}</small></dd>") == 2
    make_run(tmp_path / "2", metrics={"distance": taken["distance"] | {"protocol": 5}})
    assert "'protocol' of" in next(run.problem for run in find_runs(tmp_path) if run.problem)


def test_pool_is_a_flag(tmp_path, capsys):
    for seed in (0, 1):
        make_run(tmp_path / str(seed), seeds=[seed], metrics=nll(float(seed)))
    assert main(["report", str(tmp_path), "--pool"]) == 0
    assert "2 (of 2 runs)" in capsys.readouterr().out


def test_run_and_settings_stay_in_a_narrow_terminal(tmp_path):
    make_run(tmp_path / "a", departs={"beta": 4.0})
    drawn = table(ledger_rows(find_runs(tmp_path)), width=40)
    assert {"run", "settings", "metric", "ours"} <= {column.header for column in drawn.columns}


def test_a_column_goes_only_where_the_table_is_too_wide(tmp_path):
    """What `table` keeps fits, and with the last column that it dropped it would not have."""
    make_run(tmp_path / "a", departs={"beta": 4.0})
    rows = ledger_rows(find_runs(tmp_path))
    wide = table(rows)
    measured = Console(width=10_000).measure(wide).maximum
    assert table(rows, width=measured).caption is None
    assert table(rows, width=measured - 1).caption == "too narrow for: commit"


def test_markdown_has_run_and_settings(tmp_path):
    make_run(tmp_path / "a|b", departs={"note": "x|y"})
    heads, _, line = markdown(ledger_rows(find_runs(tmp_path))).splitlines()
    assert heads.startswith("| system | preset | settings | run | metric | ours | published | difference |")
    assert line.startswith(r"| vae | default | note x\|y | a\|b | nll (nats) | 20.25 ± 0.65 |")


def test_every_column_has_its_label_on_a_narrow_screen(tmp_path):
    """Below 48 rem a row is a card: its cells lie below each other, each after its column's name."""
    narrow = STYLE[STYLE.index("@media (max-width: 48rem)") :]
    assert "#ledger tr, #ledger td" in narrow
    for column in COLUMNS:
        if column.on_page:
            assert f'td.{column.name}::before {{ content: "{column.name}"; }}' in narrow
    make_run(tmp_path / "run", departs={"beta": 4.0})
    cells = [cell.get("class", "").split() for cell in Page(html_page(find_runs(tmp_path))).having("td")]
    assert [names[-1] for names in cells] == [column.name for column in COLUMNS if column.on_page]


def test_nothing_is_wider_than_a_narrow_screen():
    """What could push the page sideways: long words, grids of fixed columns, pictures, the table."""
    assert "overflow-wrap: anywhere" in re.search(r"\nbody \{[^}]*\}", STYLE)[0]
    assert "minmax(0, 1fr)" in re.search(r"\ndl \{[^}]*\}", STYLE)[0]
    assert "max-width: 600px" in re.search(r"figure img[^{]*\{[^}]*\}", STYLE)[0]
    assert "width: 100%" in re.search(r"figure img[^{]*\{[^}]*\}", STYLE)[0]
    assert "overflow-x: auto" in re.search(r"\.scroll \{[^}]*\}", STYLE)[0]
    fixed = [float(size) for size in re.findall(r"[^-]min-width: ([\d.]+)rem", STYLE)]
    assert all(size * 16 < 360 for size in fixed)


def test_text_is_not_tiny():
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)rem", STYLE)]
    assert min(sizes) * 16 >= 12
    narrow = STYLE[STYLE.index("@media (max-width: 48rem)") :]
    around = 2 * float(re.search(r"body \{ padding: 1rem (\.\d)rem", narrow)[1]) * 16
    figure = 2 * float(re.search(r"figure \{ padding: (\.\d)rem", narrow)[1]) * 16 + 2
    scale = (360 - around - figure) / WIDTH
    assert float(re.search(r"svg text \{ font-size: (\d+)px", narrow)[1]) * scale >= 12, "text of the curves"


def test_progress_is_told_only_of_what_takes_long(tmp_path, capsys):
    for name in ("a", "b"):
        make_run(tmp_path / "runs" / name)
    report(tmp_path / "runs", tmp_path / "page.html", patience=60.0)
    assert capsys.readouterr().err == ""
    report(tmp_path / "runs", tmp_path / "page.html", patience=-1.0)
    assert "2/2 runs" in capsys.readouterr().err


def test_a_control_letter_in_a_run_name_does_not_reach_the_terminal(tmp_path):
    make_run(tmp_path / "a\x1b[2J")
    console = Console(width=300, file=io.StringIO())
    console.print(table(ledger_rows(find_runs(tmp_path))))
    assert "\x1b[2J" not in console.file.getvalue()
