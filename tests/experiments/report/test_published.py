"""Published figures beside runs: which run stands there, what its state is, and how the page shows it."""

import dataclasses
import re

import pytest
from run_folders import ATTACK, REFERENCE, Page, make_run, nll

from experiments.report.archive import find_runs
from experiments.report.figures_page import HEIGHT, MIDDLE, SCALE, WIDTH, bar_svg
from experiments.report.page import html_page
from experiments.report.published import NO_CARD, STATES, figures, head_line
from experiments.run.card import Card, Reference
from experiments.run.registry import Entry, entries

PRINTED = Reference("nll", 20.0, "nats", cite="burda2016", read="memory", protocol="5,000 samples", preset="default")
CARD = Card(systems=("A12",), default=dict(steps=3000), references=(PRINTED,))


def vae(*references, **presets):
    return Entry("autoencoders", "vae", dataclasses.replace(CARD, references=references, presets=presets), "A vae.")


def only(tmp_path, **changes):
    make_run(tmp_path / "run", **({"references": [], "departs": {}, "config": {"steps": 3000}} | changes))
    (figure,) = figures([vae(PRINTED)], find_runs(tmp_path))
    return figure


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"metrics": nll(19.6, 20.0, 20.5)}, "met", ""),
        ({"metrics": nll(20.04, 20.04, 20.04)}, "met", "to the last printed digit"),
        ({"metrics": nll(20.04)}, "not compared", "1 seed of at least 3"),
        ({"metrics": nll(10.0, 10.1)}, "not compared", "2 seeds of at least 3"),
        ({"metrics": nll(10.0, 10.1, 10.2)}, "met", "better"),
        ({"metrics": nll(5.0, 25.0, 60.0)}, "met", "only as its seeds differ widely"),
        ({"metrics": nll(21.0, 21.1, 21.2)}, "near", ""),
        ({"metrics": nll(31.0, 31.1, 31.2)}, "far", ""),
        ({"metrics": nll(31.0), "config": {"steps": 300}}, "far", "1 seed of at least 3, 10 % of the preset's steps"),
        ({"metrics": nll(20.0), "departs": {"beta": 4.0}, "config": {"beta": 4.0}}, "not compared", "other settings: "),
        ({"metrics": nll(20.0, unit="bits")}, "not compared", "measured in bits"),
        ({"metrics": nll(20.0, None)}, "not compared", "not finite"),
        ({"preset": "other"}, "not run", ""),
        ({"metrics": {}}, "not run", ""),
    ],
)
def test_a_figure_has_one_state_and_says_what_weakens_it(tmp_path, changes, state, reason):
    figure = only(tmp_path, **changes)
    assert figure.state == state
    assert figure.reason.startswith(reason)
    assert bool(figure.reason) == bool(reason)


def test_what_the_size_of_the_test_set_explains_says_so(tmp_path):
    make_run(tmp_path / "run", metrics=nll(21.0, 21.1, 21.2), references=[], departs={})
    (figure,) = figures([vae(dataclasses.replace(PRINTED, tested=1000))], find_runs(tmp_path))
    assert (figure.state, figure.reason) == ("met", "within the error of the test set")


def test_runs_that_differ_in_the_seed_are_one_and_the_longest_that_compares_stands_there(tmp_path):
    make_run(tmp_path / "a", metrics=nll(19.0), seeds=[0], references=[], departs={})
    make_run(tmp_path / "b", metrics=nll(21.0), seeds=[1], references=[], departs={})
    make_run(tmp_path / "long", metrics=nll(9.0), seeds=[0], steps=9000, departs={"beta": 2.0}, config={"beta": 2.0})
    make_run(tmp_path / "short", metrics=nll(30.0, 31.0), seeds=[0, 1], steps=30, references=[], departs={})
    figure = figures([vae(PRINTED)], find_runs(tmp_path))[0]
    assert (figure.row.runs, figure.row.mean, figure.others) == (("a", "b"), 20.0, ("long", "short"))


def test_splits_are_counted_where_runs_are_pooled_over_them(tmp_path):
    """Two splits of two seeds each meet nothing; a third makes them three draws, met as they differ so widely."""
    for split, values in ((1, (5.0, 6.0)), (2, (25.0, 26.0)), (3, (60.0, 61.0))):
        data = {"name": "x", "protocol": f"x, random split {split}", "fingerprint": f"sha256:{split}"}
        config = {"steps": 3000, "split_seed": split, "seeds": 2}
        make_run(tmp_path / str(split), metrics=nll(*values), seeds=[0, 1], dataset=data, config=config, departs={})
        (figure, *_) = figures([vae(PRINTED)], find_runs(tmp_path))
        if split == 2:
            assert (figure.state, figure.reason) == ("not compared", "2 splits of at least 3")
    assert (figure.state, figure.reason) == ("met", "only as its splits differ widely")
    assert '<td class="seeds">6 on 3 splits</td>' in html_page(find_runs(tmp_path), cards=[vae(PRINTED)])


def test_what_was_not_run_says_why():
    presets = dict(far=dict(data="mnist"), other=dict(data="tfds:cifar10"))
    references = [dataclasses.replace(PRINTED, preset=preset) for preset in ("default", "far", "other")]
    references[2] = dataclasses.replace(references[2], obstacle="printed in other features")
    found = figures([vae(*references, **presets)], [], {("vae", "far"): 7200.0, ("vae", "default"): 60.0})
    assert [figure.reason for figure in found] == [
        "about 1 min 0 s of training a seed",
        "needs mnist, which does not ship; about 2 h 0 min of training a seed",
        "printed in other features",
    ]


def test_what_a_run_claims_stands_there_without_a_card(tmp_path):
    make_run(tmp_path / "run", experiment="own", metrics=nll(20.0, 20.0, 20.0))
    (figure,) = figures([], find_runs(tmp_path))
    assert (figure.published.family, figure.published.value, figure.state) == (NO_CARD, REFERENCE["value"], "met")
    make_run(tmp_path / "vae", references=[REFERENCE | {"value": 20}], departs={})
    assert len(figures([vae(PRINTED)], find_runs(tmp_path / "vae"))) == 1, "20 is 20.0: it is on the card"


def test_every_figure_of_every_card_is_counted_once(tmp_path):
    found = figures(entries(), [])
    assert len(found) == sum(len(entry.card.references) for entry in entries())
    assert head_line(found) == f"0 met of 0 published figures tried; {len(found)} not run"
    make_run(tmp_path / "run", metrics=nll(10.0, 10.1, 10.2), references=[], departs={})
    assert head_line(figures([vae(PRINTED)], find_runs(tmp_path))) == (
        "1 met of 1 published figure tried (1 as ours is better)"
    )


def test_a_bar_goes_from_the_middle_as_far_as_the_errors_and_is_cut_off_with_a_point():
    def length(errors):
        x, width = re.search(r'class="length" x="(\d+)" y="5" width="(\d+)"', bar_svg(errors)).groups()
        return int(x), int(width)

    assert length(2.0) == (MIDDLE, 2 * SCALE)
    assert length(-4.5) == (MIDDLE - 27, 27)
    assert length(900.0) == (MIDDLE, WIDTH - MIDDLE)
    assert length(-900.0) == (0, MIDDLE)
    assert f"M{WIDTH},{HEIGHT // 2}l-{SCALE}," in bar_svg(900.0)
    assert "l" not in "".join(re.findall(r'd="([^"]*)"', bar_svg(3.0)))


def test_the_page_has_a_row_a_figure_with_its_protocol_and_leads_to_the_run(tmp_path):
    make_run(tmp_path / "run", metrics=nll(20.0, 20.1, 20.3), references=[], departs={})
    cards = [vae(PRINTED, dataclasses.replace(PRINTED, preset="far"), far=dict(data="mnist"))]
    text = html_page(find_runs(tmp_path), cards=cards)
    page = Page(text)
    rows = [tr["class"] for tr in page.having("tr") if tr.get("class") in {state.replace(" ", "-") for state in STATES}]
    assert rows == ["met", "not-run"]
    assert text.count("<details><summary>protocol</summary>") == 2
    assert text.count('<svg class="bar"') == 1
    (link,) = [a["href"] for a in page.having("a") if a["href"].startswith("#run-")][:1]
    assert link[1:] in [article["id"] for article in page.having("article")]
    for said in ("20.13 ± 0.15", "Burda et al. 2016, from memory", "needs mnist, which does not ship", "5,000 samples"):
        assert said in "".join(page.text)


def test_of_several_runs_the_first_is_linked_and_the_others_are_folded_away(tmp_path):
    for seed in range(3):
        seeded = {"seeds": [seed], "config": {"seed": seed, "seeds": 1}}
        make_run(tmp_path / f"run-{seed}", metrics=nll(20.0 + seed), references=[], departs={}, **seeded)
    page = Page(text := html_page(find_runs(tmp_path), cards=[vae(PRINTED)]))
    assert text.count("<details><summary>and 2 more runs</summary>") == 1
    assert len({a["href"] for a in page.having("a") if a["href"].startswith("#run-")}) == 3


def test_texts_of_cards_and_claims_stay_text(tmp_path):
    hostile = dataclasses.replace(
        PRINTED, metric=f"nll{ATTACK}", unit=ATTACK, where=ATTACK, protocol=ATTACK, obstacle=ATTACK
    )
    entry = dataclasses.replace(vae(hostile), family=f"family{ATTACK}", name=f"vae{ATTACK}")
    claim = REFERENCE | {"metric": f"nll{ATTACK}", "source": ATTACK, "protocol": ATTACK, "unit": ATTACK}
    metrics = {f"nll{ATTACK}": {"values": [1.0, 2.0], "unit": ATTACK}}
    make_run(tmp_path / f"run{ATTACK}", experiment=f"gan{ATTACK}", references=[claim], metrics=metrics)
    text = html_page(find_runs(tmp_path), cards=[entry])
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    page = Page(text)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith(("on", "style"))]
    assert [body["data-family"] for body in page.having("tbody") if "data-family" in body] == [
        f"family{ATTACK}", NO_CARD,
    ]  # fmt: skip
