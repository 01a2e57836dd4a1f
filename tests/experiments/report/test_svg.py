"""Learning curves drawn as SVG: where the points lie, what is a gap, what is thinned."""

import re
import statistics
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from experiments.report.curves import POINTS, curves_of, curves_svg, ticks

ATTACK = '"><script>alert(1)</script>'


def rows(values, split="valid", metric="nll", every=100):
    return [{"step": every * (index + 1), "split": split, metric: value} for index, value in enumerate(values)]


def drawn(runs, metric="nll", unit="nats"):
    return ElementTree.fromstring(curves_svg(runs, metric, unit))


def paths(svg, name):
    return [path.get("d") for path in svg.iter("path") if name in path.get("class", "").split()]


def points(path):
    """Absolute points of a path of ``M x,y`` and relative ``l x,y`` pieces: one list a piece."""
    pieces = []
    for piece in filter(None, path.split("M")):
        pairs = re.findall(r"(-?\d+)[ ,]?(-?\d+)", piece)
        pieces.append(np.cumsum(np.array(pairs, int), axis=0).tolist())
    return pieces


def test_a_curve_is_the_mean_and_the_deviation_of_a_sample():
    (curve,) = curves_of(rows([[1.0, 3.0], [5.0, 9.0]]), "nll")
    assert (curve.split, curve.steps.tolist(), curve.mean.tolist()) == ("valid", [100, 200], [2.0, 7.0])
    assert curve.deviation.tolist() == pytest.approx([statistics.stdev([1, 3]), statistics.stdev([5, 9])])


def test_a_line_starts_at_the_left_below_and_ends_at_the_right_above():
    svg = drawn({"run": curves_of(rows([1.0, 2.0, 4.0]), "nll")})
    (path,) = paths(svg, "line")
    ((first, middle, last),) = points(path)
    assert first[0] < middle[0] < last[0]
    assert middle[0] - first[0] == pytest.approx(last[0] - middle[0], abs=1)
    assert first[1] > middle[1] > last[1], "SVG counts downwards"
    assert 2 * (first[1] - middle[1]) == pytest.approx(middle[1] - last[1], abs=2)
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert all(0 <= x <= width and 0 <= y <= height for x, y in (first, middle, last))


def test_a_lost_seed_is_a_gap_and_one_seed_has_no_band():
    svg = drawn({"run": curves_of(rows([1.0, 2.0, None, 4.0, 5.0]), "nll")})
    assert [len(piece) for piece in points(paths(svg, "line")[0])] == [2, 2]
    assert paths(svg, "band") == []
    svg = drawn({"run": curves_of(rows([[1.0, 2.0], [1.0, None], [3.0, 5.0], [3.0, 5.0]]), "nll")})
    assert len(paths(svg, "band")) == 1


def test_long_curves_are_thinned_but_keep_their_ends_and_their_gaps():
    values = [float(step) for step in range(5000)]
    values[1234] = None
    (curve,) = curves_of(rows(values, every=1), "nll")
    assert len(curve.steps) <= POINTS + 1
    assert (curve.steps[0], curve.steps[-1]) == (1, 5000)
    assert np.isnan(curve.mean[curve.steps.tolist().index(1235)])
    assert len(curves_svg({"run": [curve]}, "nll", "nats")) < 4000


def test_train_is_thin_beside_valid_and_strong_alone():
    both = drawn({"run": curves_of(rows([1.0, 2.0]) + rows([3.0, 4.0], split="train"), "nll")})
    assert len(paths(both, "strong")) == 1
    assert len(paths(both, "line")) == 2
    alone = drawn({"run": curves_of(rows([3.0, 4.0], split="train"), "nll")})
    assert len(paths(alone, "strong")) == 1


def test_runs_have_colours_of_their_own_and_their_names():
    names = [f"vae/{index}" for index in range(9)]
    svg = drawn({name: curves_of(rows([1.0, 2.0]), "nll") for name in names})
    lines = [path for path in svg.iter("path") if "line" in path.get("class").split()]
    assert len({path.get("class") for path in lines}) == 9
    assert [path.find("title").text for path in lines] == names


def test_text_is_escaped():
    text = curves_svg({ATTACK: curves_of(rows([1.0, 2.0], metric=ATTACK), ATTACK)}, ATTACK, ATTACK)
    assert "<script" not in text
    assert ElementTree.fromstring(text).get("aria-label").startswith(ATTACK)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 10.0, [0, 2, 4, 6, 8, 10]), (20.0, 21.0, [20, 20.2, 20.4, 20.6, 20.8, 21]), (-1.5, 1.5, [-1, 0, 1]),
     (3.0, 3.0, [3]), (100.0, 90000.0, [20000, 40000, 60000, 80000])],
)  # fmt: skip
def test_ticks_are_round_numbers_within(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("extreme", [1e99, -1e99, 1e-99, 0.0])
def test_extreme_and_equal_values_are_drawn(extreme):
    ElementTree.fromstring(curves_svg({"run": curves_of(rows([extreme, extreme]), "nll")}, "nll", ""))
    ElementTree.fromstring(curves_svg({"run": curves_of(rows([extreme, 1.0]), "nll")}, "nll", ""))
    ElementTree.fromstring(curves_svg({"run": curves_of(rows([None, None]), "nll")}, "nll", ""))


def test_what_cannot_be_drawn_says_why():
    with pytest.raises(ValueError, match="number of seeds"):
        curves_of(rows([[1.0, 2.0], [1.0]]), "nll")
    with pytest.raises((TypeError, ValueError)):
        curves_of(rows(["a", "b"]), "nll")
