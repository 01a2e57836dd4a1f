"""The ledger's page: its text stays text, its policy, its pictures and curves."""

import base64
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from run_folders import ATTACK, NLL, REFERENCE, Page, make_run, summary

from experiments.plots.canvas import save
from experiments.plots.images import image_grid
from experiments.report.archive import find_runs
from experiments.report.page import html_page
from experiments.report.page_assets import SCRIPT, STYLE


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
    changes["departs"] = hostile({"beta": "four", "widths": ["8"]})
    changes["references"] = [{name: hostile(value) for name, value in REFERENCE.items()}]
    for name in ("a", "b"):
        run = make_run(folder / f"{name}{ATTACK}", **changes)
        rows = [{"step": step, "split": "valid", f"nll{ATTACK}": 1.0} for step in range(3)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        save(image_grid(np.zeros((1, 2, 2, 1)), columns=1), run / "figures" / f"{ATTACK.replace('/', '')}.png")
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
        "beta",
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


def test_pictures_are_embedded_and_what_is_no_png_is_named(tmp_path):
    run = make_run(tmp_path / "run")
    save(image_grid(np.ones((1, 2, 2, 1)), columns=1), run / "figures" / "prior_samples.png")
    (run / "figures" / "fake.png").write_text("<svg onload=alert(1)>")
    shutil.copy(run / "figures" / "prior_samples.png", run / "figures" / "learning_curves.png")
    page = Page(html_page(find_runs(tmp_path)))
    assert page.captions == ["nll over the steps", "prior samples"], "curves are drawn anew, not shown twice"
    content = base64.b64decode(page.having("img")[0]["src"].removeprefix("data:image/png;base64,"))
    assert content == (run / "figures" / "prior_samples.png").read_bytes()
    assert "figures/fake.png is no PNG file" in page.text


def test_runs_of_one_experiment_share_a_figure_and_a_bare_summary_is_enough(tmp_path):
    for name in ("a", "b"):
        make_run(tmp_path / name)
    make_run(tmp_path / "ledger" / "gan", experiment="gan", logged=False)
    make_run(tmp_path / "ledger" / "vae", logged=False)
    page = Page(html_page(find_runs(tmp_path)))
    assert page.captions == ["nll of 2 runs over the steps", "nll over the steps", "nll over the steps"]
    assert "ledger/gan" in page.text


@pytest.mark.parametrize(
    ("logged", "drawn"),
    [(("gap", "nll", "loss"), ["loss", "nll"]), (("gap", "other"), ["gap"]), ((), [])],
)
def test_curves_are_the_loss_and_what_the_summary_claims(tmp_path, logged, drawn):
    run = make_run(tmp_path / "run")
    rows = [{"step": step, "split": "train"} | dict.fromkeys(logged, 1.0) for step in (1, 2)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert Page(html_page(find_runs(tmp_path))).captions == [f"{name} over the steps" for name in drawn]
