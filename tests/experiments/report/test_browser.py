"""The ledger's page as a browser shows it."""

import re
import shutil
import subprocess
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest
from run_folders import Page, make_run, nll

from experiments.report.archive import find_runs
from experiments.report.page import html_page
from experiments.run.card import Card, Reference
from experiments.run.registry import Entry

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


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
        make_run(tmp_path / "runs" / name, metrics=nll(value, value, value), references=[], logged=False)
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


@pytest.fixture
def figures_page(tmp_path):
    """A figure that is met, one that is far, both of one family; and one of another that was not run."""
    make_run(tmp_path / "runs" / "a", metrics=nll(20.0, 20.1, 20.2), references=[], departs={}, logged=False)
    printed = Reference("nll", 20.0, "nats", cite="burda2016", read="memory", protocol="", preset="default")
    families = {"vae": ("old", "A1", (printed, replace(printed, value=2.0))), "gan": ("new", "G1", (printed,))}
    cards = [Entry(f, name, Card(systems=(row,), references=r), "It.") for name, (f, row, r) in families.items()]
    return html_page(find_runs(tmp_path / "runs"), cards=cards)


def seen(dumped):
    """The classes of the figures' rows that are not hidden, and the number on each button."""
    rows = [tr for tr in Page(dumped).having("tr") if "class" in tr and "hidden" not in tr]
    numbers = re.findall(r'data-show="([a-z-]+)"[^>]*>[^<]*<small>(\d+)', dumped)
    return [tr["class"] for tr in rows], {name: int(number) for name, number in numbers if int(number)}


def test_figures_are_filtered_by_verdict_and_family_as_the_address_says(browse, figures_page):
    everything = {"all": 3, "met": 1, "far": 1, "not-run": 1}
    for fragment, rows, numbers in (
        ("", ["family", "met", "far", "family", "not-run"], everything),
        ("#show=far", ["family", "far"], everything),
        ("#show=all/old", ["family", "met", "far"], {"all": 2, "met": 1, "far": 1}),
        ("#show=met/new", [], {"all": 1, "not-run": 1}),
        ("#show=no%such", ["family", "met", "far", "family", "not-run"], everything),
    ):
        assert seen(browse(figures_page, "--dump-dom", fragment=fragment)) == (rows, numbers), fragment


def test_a_filter_that_is_pressed_shows_its_figures_and_the_address_says_so(browse, figures_page):
    press = "document.querySelector('[data-show=not-run]').click(); document.title = location.hash"
    page = re.sub(r'<meta http-equiv="Content[^>]*>', "", figures_page)
    dumped = browse(page.replace("</body>", f"<script>{press}</script></body>"), "--dump-dom")
    assert seen(dumped)[0] == ["family", "not-run"]
    assert "<title>#show=not-run/</title>" in dumped


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_the_figures_lies_beside_the_screen(browse, figures_page, tmp_path, width):
    """Within a frame, as no window is narrower than 500 pixels; the page tells it how wide its content is."""
    tell = "parent.postMessage(`${document.documentElement.scrollWidth} of ${innerWidth}`, '*')"
    page = re.sub(r'<meta http-equiv="Content[^>]*>', "", figures_page)
    page = page.replace("</body>", f"<script>{tell}</script></body>")
    (tmp_path / "framed.html").write_text(page, encoding="utf-8")
    frame = f'<iframe src="framed.html" width="{width}" height="900" style="border: 0"></iframe>'
    hear = "addEventListener('message', event => document.title = event.data)"
    dumped = browse(f"<!doctype html><script>{hear}</script>{frame}", "--dump-dom")
    assert f"<title>{width} of {width}</title>" in dumped
