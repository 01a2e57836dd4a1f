"""Many runs on one page: their pictures are links, and the page stays small and quick."""

import re
import time
from urllib.parse import unquote

import numpy as np
import pytest
from run_folders import Page, make_run

from experiments.plots.canvas import save
from experiments.plots.images import image_grid
from experiments.report import page as page_module
from experiments.report.archive import find_runs
from experiments.report.page import html_page
from experiments.report.report import report


@pytest.fixture
def few(monkeypatch):
    """Two runs are as many as have their pictures embedded."""
    monkeypatch.setattr(page_module, "EMBEDDED_RUNS", 2)


def pictured(folder, names, picture="samples.png"):
    for name in names:
        save(image_grid(np.ones((1, 2, 2, 1)), columns=1), make_run(folder / name) / "figures" / picture)


def links(page):
    return [a["href"] for a in page.having("a") if not a["href"].startswith("#")]


def test_few_runs_have_their_pictures_embedded(few, tmp_path):
    pictured(tmp_path / "runs", ["a", "b"])
    page = Page(html_page(find_runs(tmp_path / "runs"), file=tmp_path / "page.html", folder=tmp_path / "runs"))
    assert [image["src"][:15] for image in page.having("img")] == ["data:image/png;"] * 2
    assert links(page) == []


def test_pictures_of_more_runs_are_links_from_the_page_to_the_run_folder(few, tmp_path):
    pictured(tmp_path / "runs", ["a", "b", 'c"><i>& ü#?'], picture="prior samples#1.png")
    (tmp_path / "runs" / "a" / "figures" / "fake.png").write_text("text")
    target = tmp_path / "out" / "page.html"
    report(tmp_path / "runs", target)
    page = Page(target.read_text(encoding="utf-8"))
    assert page.having("img") == []
    assert page.having("i") == []
    assert len(links(page)) == 3
    assert links(page)[0] == "../runs/a/figures/prior%20samples%231.png"
    for link in links(page):
        assert not re.search(r"[\"<>#?& ]", link)
        assert (target.parent / unquote(link)).resolve().is_file()
    text = "".join(page.text)
    assert "figures/fake.png is no PNG file" in text
    assert "linked, not embedded" in text, "the page says so"


def test_a_picture_outside_of_the_folder_is_not_linked(few, tmp_path):
    pictured(tmp_path, ["secret"])
    pictured(tmp_path / "runs", ["a", "b", "c"])
    (tmp_path / "runs" / "a" / "figures" / "z.png").symlink_to(tmp_path / "secret" / "figures" / "samples.png")
    page = Page(html_page(find_runs(tmp_path / "runs"), file=tmp_path / "page.html", folder=tmp_path / "runs"))
    assert len(links(page)) == 3
    assert "figures/z.png lies outside of the folder" in "".join(page.text)


def test_a_page_without_a_place_embeds_all(few, tmp_path):
    pictured(tmp_path, ["a", "b", "c"])
    page = Page(html_page(find_runs(tmp_path)))
    assert len(page.having("img")) == 3


def test_two_hundred_runs_are_a_small_page(tmp_path):
    for index in range(200):
        make_run(tmp_path / f"run-{index:03d}", departs={"beta": float(index)})
    runs = find_runs(tmp_path)
    start = time.process_time()
    text = html_page(runs)
    assert len(text.encode()) < 3e6
    assert time.process_time() - start < 5
    assert text.count("<article") == 200


def test_each_log_is_read_once(tmp_path, monkeypatch):
    for name in ("a", "b"):
        make_run(tmp_path / name)
    read = []
    monkeypatch.setattr(page_module, "read_metrics", lambda run: read.append(run.name) or ([], []))
    html_page(find_runs(tmp_path))
    assert read == ["a", "b"]


def test_each_run_done_is_told(tmp_path):
    for name in ("a", "b", "c"):
        make_run(tmp_path / name)
    told = []
    html_page(find_runs(tmp_path), told=told.append)
    assert told == [1, 2, 3]
