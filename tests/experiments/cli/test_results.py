"""What the terminal says of a finished run: numbers as everywhere else, no plural of one, and speeds measured."""

import re

import pytest
from run_folders import summary

from experiments.cli.results import print_result

SMALLEST = {
    "seeds": [0], "steps": 1, "epochs": 1.0, "stopped_early": False, "measured_steps": [1], "references": [],
    "parameters": 1, "flops_per_step": None, "cost": {"layers": [], "flops_by_formula": None, "flops_by_xla": None},
    "metrics": {
        "wrong": {"mean": 1.0, "std": None, "unit": "inputs"}, "nll": {"mean": 2.0, "std": None, "unit": "nats"},
    },
}  # fmt: skip


def printed(capsys, **changes):
    print_result(summary(**SMALLEST | changes))
    return capsys.readouterr().out


def test_one_of_everything_is_no_plural(capsys):
    text = printed(capsys)
    assert "1 step (1 epoch) in" in text
    assert "1 parameter, layers: 0" in text
    assert "test wrong  1 input\n" in text
    assert "test nll    2.000 nats\n" in text
    assert not re.search(r"\b1(\.0+)? (steps|epochs|parameters|inputs|seeds)\b", text)


@pytest.mark.parametrize(
    ("rate", "said"),
    [(None, "  cpu"), (0.0, "  cpu"), (0.25, "  0.250 examples/s  cpu"), (35210.4, "  35,210 examples/s  cpu")],
)  # fmt: skip
def test_a_speed_is_said_where_it_was_measured(capsys, rate, said):
    assert f"\n{said} x1 (AMD EPYC)\n" in printed(capsys, examples_per_second=rate)


def test_a_difference_from_what_was_published_has_its_digits(capsys):
    reference = {
        "metric": "wrong", "value": 34944, "unit": "", "source": "here", "departs_in": [], "difference": 0.00034,
    }  # fmt: skip
    assert "published   wrong 34,944 (here); ours +0.000340\n" in printed(capsys, references=[reference])
