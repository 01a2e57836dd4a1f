"""The ledger, from made-up run folders to the page as a browser shows it."""

import base64
import hashlib
import io
import json
import re
import shutil
import statistics
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

from experiments.plots import curves
from experiments.report.ledger import COLUMNS, duration, measured, significant
from experiments.report.page_assets import SCRIPT, STYLE
from experiments.report import ReportError, find_runs, html_page, ledger_rows, markdown, read_metrics, report, table

NLL = [20.0, 20.5, 19.5, 21.0]
REFERENCE = {
    "metric": "nll", "value": 20.01, "unit": "nats", "source": "Burda et al. 2016, table 1",
    "protocol": "5,000 samples", "preset": "default", "ours": 20.25, "difference": 0.24,
}  # fmt: skip
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href=javascript:alert(3)>|&amp;"
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def summary(**changes):
    return {
        "experiment": "vae", "preset": "default", "config": {"latent_size": 16, "rate": 0.001}, "seeds": [0, 1, 2, 3],
        "steps": 3000, "epochs": 296.1,
        "dataset": {"name": "digits", "protocol": "digits 1297/250/250", "fingerprint": "sha256:ab"},
        "metrics": {"nll": {"mean": 20.25, "std": 0.5, "values": NLL, "unit": "nats"}}, "references": [REFERENCE],
        "wall_seconds": 125.2, "compile_seconds": 3.1, "examples_per_second": 35000.0, "parameters": 823000,
        "flops_per_step": 1.0e9, "device": "cpu x1 (AMD EPYC)", "versions": {"jax": "0.10.2"},
        "commit": "abc1234def567", "state_sha256": "cd",
    } | changes  # fmt: skip


def make_run(folder: Path, *, logged=True, **changes) -> Path:
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary(**changes)), encoding="utf-8")
    rows = [{"step": s, "split": p, "nll": [30 - s, 31 - s]} for s in range(1, 4) for p in ("train", "valid")]
    if logged:
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def nll(*values, unit="nats"):
    return {"nll": {"values": list(values), "unit": unit}}


def only_row(tmp_path, **changes):
    make_run(tmp_path / "run", **changes)
    (row,) = ledger_rows(find_runs(tmp_path))
    return row


def shown(row, column):
    return next(c for c in COLUMNS if c.name == column).line(row)


class Page(HTMLParser):
    """The page's elements with their attributes, its visible text, and the content of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.inline = [], [], {"script": [], "style": []}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.inline.get(self.elements[-1][0] if self.cdata_elem else "", self.text).append(data)

    def having(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


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
        ("[]", "list"),
        ("", "Expecting value"),
        (json.dumps({k: v for k, v in summary().items() if k != "metrics"}), "'metrics' of the summary is missing"),
        (json.dumps(summary(metrics={"nll": {"values": ["20"], "unit": ""}})), r"'values'.*\[0\] is a str"),
        (json.dumps(summary(references=[{"metric": "nll"}])), "'value' of 'references' of the summary"),
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
        "vae", "default", "digits 1297/250/250", "296.1 epochs", "4", "nll (nats)", "20.25 ± 0.65",
        "20.01 (Burda et al. 2016, table 1)", "+0.240", "2 min 5 s", "cpu x1 (AMD EPYC)", "abc1234de",
    ]  # fmt: skip


def test_one_seed_has_no_deviation_and_a_lost_seed_no_mean(tmp_path):
    assert shown(only_row(tmp_path / "a", metrics=nll(20.125), seeds=[0]), "ours") == "20.12"
    lost = only_row(tmp_path / "b", metrics=nll(20.0, None, 21.0))
    assert (shown(lost, "ours"), lost.difference) == ("not finite (1 of 3 seeds)", None)


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


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [(86.954, 0.1234, "86.95 ± 0.12"), (1234.4, 150.2, "1,234 ± 150"), (0.91326, None, "0.9133"),
     (1.0, 0.0, "1.000 ± 0"), (1.5e-8, 2e-9, "1.500e-08 ± 2.0e-09"), (20.0, 1e-12, "20.00 ± 1.0e-12"),
     (-5.0, 0.5, "-5.00 ± 0.50")],
)  # fmt: skip
def test_a_mean_has_the_digits_that_its_deviation_allows(mean, deviation, text):
    assert measured(mean, deviation) == text


def test_numbers_and_times_are_written_for_people():
    assert [duration(s) for s in (3.21, 31.2, 59.7, 125.0, 3840.0, 15025.0)] == [
        "3.2 s", "31 s", "1 min 0 s", "2 min 5 s", "1 h 4 min", "4 h 10 min"]  # fmt: skip
    assert [significant(v, 3, "+") for v in (0.24, -1234.5, 0.0, 1e-9)] == ["+0.240", "-1,234", "0", "+1.00e-09"]


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
    row = only_row(tmp_path)
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


def hostile(value):
    """Every string within, names of settings and metrics too, with an attack at its end."""
    if isinstance(value, dict):
        return {f"{name}{ATTACK}": hostile(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return value + ATTACK if isinstance(value, str) else value


def hostile_folder(folder: Path) -> None:
    """Two runs of one experiment whose every text is an attack: folders, files, settings, metrics, references."""
    honest = summary()
    changes = {
        name: hostile(value) for name, value in honest.items() if name not in ("dataset", "metrics", "references")
    }
    changes["dataset"] = {name: value + ATTACK for name, value in honest["dataset"].items()}
    changes["metrics"] = {f"nll{ATTACK}": {"values": NLL, "unit": f"nats{ATTACK}"}}
    changes["references"] = [{name: hostile(value) for name, value in REFERENCE.items()}]
    for name in ("a", "b"):
        run = make_run(folder / f"{name}{ATTACK}", **changes)
        rows = [{"step": step, "split": "valid", f"nll{ATTACK}": 1.0} for step in range(3)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        figures.save(
            figures.image_grid(np.zeros((1, 2, 2, 1)), columns=1), run / "figures" / f"{ATTACK.replace('/', '')}.png"
        )
        (run / "figures" / f"text{ATTACK.replace('/', '')}").write_text("no picture")
    (folder / f"damaged{ATTACK}").mkdir(parents=True)
    (folder / f"damaged{ATTACK}" / "summary.json").write_text(json.dumps({f"x{ATTACK}": 1}))


def test_text_from_files_stays_text(tmp_path):
    hostile_folder(tmp_path)
    page = Page(html_page(find_runs(tmp_path)))
    assert page.inline == {"script": [SCRIPT], "style": [STYLE]}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith(("on", "style"))]
    addresses = [a[name] for _, a in page.elements for name in ("src", "href") if name in a]
    assert addresses
    assert all(address.startswith(("data:", "#run-")) for address in addresses)
    text = "".join(page.text)
    for said in (
        "vae",
        "cpu x1 (AMD EPYC)",
        "digits 1297/250/250",
        "Burda et al. 2016, table 1",
        "latent_size",
        "damaged",
    ):
        assert said + ATTACK in text, "shown as it was written"


def test_the_page_allows_itself_its_own_style_and_script_alone(tmp_path):
    make_run(tmp_path / "run")
    page = Page(html_page(find_runs(tmp_path)))
    policy = next(
        meta["content"] for meta in page.having("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    digest = {
        name: base64.b64encode(hashlib.sha256(page.inline[name][0].encode()).digest()).decode() for name in page.inline
    }
    assert allowed == {
        "default-src": "'none'", "img-src": "data:", "style-src": f"'sha256-{digest['style']}'",
        "script-src": f"'sha256-{digest['script']}'", "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip


def test_equal_runs_give_an_equal_page(tmp_path):
    for name in ("one", "two"):
        make_run(tmp_path / name / "vae" / "a")
        make_run(tmp_path / name / "vae" / "b")
    assert html_page(find_runs(tmp_path / "one")) == html_page(find_runs(tmp_path / "two"))


def captions(page):
    return [image["alt"] for image in page.having("img")]


def test_pictures_are_embedded_and_what_is_no_png_is_named(tmp_path):
    run = make_run(tmp_path / "run")
    figures.save(figures.image_grid(np.ones((1, 2, 2, 1)), columns=1), run / "figures" / "prior_samples.png")
    (run / "figures" / "fake.png").write_text("<svg onload=alert(1)>")
    shutil.copy(run / "figures" / "prior_samples.png", run / "figures" / "learning_curves.png")
    page = Page(html_page(find_runs(tmp_path)))
    assert captions(page) == ["nll over the steps", "prior samples"], "curves are drawn anew, not shown twice"
    content = base64.b64decode(page.having("img")[1]["src"].removeprefix("data:image/png;base64,"))
    assert content == (run / "figures" / "prior_samples.png").read_bytes()
    assert "figures/fake.png is no PNG file" in page.text


def test_runs_of_one_experiment_share_a_figure_and_a_bare_summary_is_enough(tmp_path):
    for name in ("a", "b"):
        make_run(tmp_path / name)
    make_run(tmp_path / "ledger" / "gan", experiment="gan", logged=False)
    make_run(tmp_path / "ledger" / "vae", logged=False)
    page = Page(html_page(find_runs(tmp_path)))
    assert captions(page) == ["nll of 2 runs over the steps", "nll over the steps", "nll over the steps"]
    assert "ledger/gan" in page.text


@pytest.mark.parametrize(
    ("logged", "drawn"),
    [(("gap", "nll", "loss"), ["loss", "nll"]), (("gap", "other"), ["gap"]), ((), [])],
)
def test_curves_are_the_loss_and_what_the_summary_claims(tmp_path, logged, drawn):
    run = make_run(tmp_path / "run")
    rows = [{"step": step, "split": "train"} | dict.fromkeys(logged, 1.0) for step in (1, 2)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert captions(Page(html_page(find_runs(tmp_path)))) == [f"{name} over the steps" for name in drawn]


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


@pytest.fixture
def browse(tmp_path):
    """A function that opens a page in a browser without a window, and returns what the browser printed."""
    if BROWSER is None:
        pytest.skip("no chromium, chromium-browser or google-chrome is installed")
    quiet = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    quiet += " --disable-component-update --disable-sync --hide-scrollbars --virtual-time-budget=5000"

    def run(text: str, *flags: str, fragment: str = "") -> str:
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        address = f"{(tmp_path / 'page.html').as_uri()}{fragment}"
        command = [BROWSER, *quiet.split(), f"--user-data-dir={tmp_path / 'profile'}", *flags, address]
        return subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=tmp_path).stdout.decode()

    return run


@pytest.fixture
def ledger_page(tmp_path):
    """Four runs whose order by name, by text and by number all differ."""
    for name, value in {"a": 9.5, "b": None, "c": 100.0, "d": 20.0}.items():
        make_run(tmp_path / "runs" / name, metrics=nll(value), references=[], logged=False)
    return html_page(find_runs(tmp_path / "runs"))


def order(dumped):
    return re.findall(r"<small>(\w)</small>", dumped)


def sorted_headers(dumped):
    return [(h["data-column"], h["aria-sort"]) for h in Page(dumped).having("th") if h["aria-sort"] != "none"]


def test_the_address_sorts_the_table_by_number_with_nothing_last(browse, ledger_page):
    dumped = browse(ledger_page, "--dump-dom", fragment="#sort=ours")
    assert (order(dumped), sorted_headers(dumped)) == (["a", "d", "c", "b"], [("ours", "ascending")])
    dumped = browse(ledger_page, "--dump-dom", fragment="#sort=-ours")
    assert (order(dumped), sorted_headers(dumped)) == (["c", "d", "a", "b"], [("ours", "descending")])


def test_a_heading_pressed_twice_sorts_downwards_and_the_address_says_so(browse, ledger_page):
    press = "const button = document.querySelector('[data-column=ours] button'); button.click(); button.click();"
    page = re.sub(r'<meta http-equiv="Content[^>]*>', "", ledger_page)
    dumped = browse(
        page.replace("</body>", f"<script>{press} document.title = location.hash</script></body>"), "--dump-dom"
    )
    assert (order(dumped), sorted_headers(dumped)) == (["c", "d", "a", "b"], [("ours", "descending")])
    assert "<title>#sort=-ours</title>" in dumped


def test_a_foreign_script_does_not_run(browse, ledger_page):
    foreign = ledger_page.replace("</body>", "<script>document.title = 'taken'</script></body>")
    dumped = browse(foreign, "--dump-dom", fragment="#sort=no%such")
    assert "<title>lectern ledger</title>" in dumped
    assert order(dumped) == ["a", "b", "c", "d"], "an unknown column sorts nothing"


def test_the_page_is_painted_in_its_style(browse, ledger_page, tmp_path):
    browse(ledger_page, f"--screenshot={tmp_path / 'page.png'}", "--window-size=1280,800")
    picture = (matplotlib.image.imread(tmp_path / "page.png")[..., :3] * 255).round().astype(int)
    assert picture.shape == (800, 1280, 3)
    counted = {
        tuple(colour): count
        for colour, count in zip(*np.unique(picture.reshape(-1, 3), axis=0, return_counts=True), strict=True)
    }
    card, link = (0xF6, 0xF7, 0xF9), (0x00, 0x61, 0xA8)
    assert counted.get(card, 0) > 5000, "the headings' ground"
    assert counted.get(link, 0) > 50, "the links' colour"
    assert len(counted) > 20, "text"
