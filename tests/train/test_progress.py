"""Oracles of ``train/progress.py``: plain lines without a terminal, a bar on one, nothing on standard output."""

import io
import re
import sys
from itertools import pairwise

import numpy as np
import pytest

import train.progress
from train.progress import Progress

LOSS = {"loss": np.array([0.25, 0.75])}


class Clock:
    """Time as told, instead of as it passes."""

    def __init__(self):
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(train.progress, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "JUPYTER_COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_line_tells_place_rate_and_the_mean_over_seeds(capsys, clock):
    with Progress("vae", 1000, 3000) as progress:
        clock.now += 10
        progress.update(2000, LOSS)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "vae  2,000/3,000 steps  100 steps/s  loss 0.5  0:10 left\n"


def test_of_many_metrics_those_of_the_whole_are_shown_and_the_others_counted(capsys, clock):
    parts = {f"net_{i}/loss": np.array([float(i)]) for i in range(40)}
    with Progress("nets", 0, 3000) as progress:
        clock.now += 10
        progress.update(1000, parts | LOSS)
    line = capsys.readouterr().err
    assert "  loss 0.5  net_0/loss 0  net_1/loss 1  " in line
    assert line.count("net_") == train.progress.MOST_METRICS - 1
    assert "  and 33 more  " in line


@pytest.mark.parametrize(
    ("seconds", "total", "said"),
    [(10, 11_000, "1:40 left"), (10, 1_000_000, "2:46:30 left"), (4000, 1002, "0.25 steps/s  loss 0.5  0:08 left")],
)
def test_the_time_left_is_that_at_the_rate_so_far(capsys, clock, seconds, total, said):
    with Progress("vae", 0, total) as progress:
        clock.now += seconds
        progress.update(1000, LOSS)
    assert said in capsys.readouterr().err


def test_the_rate_counts_only_what_was_done_here(capsys, clock):
    with Progress("test", 900, 1000, thing="example") as progress:
        clock.now += 4
        progress.update(1000, {})
    assert "1,000/1,000 examples  25 examples/s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("total", "done", "seconds", "said"),
    [(1, 1, 4, "1/1 step  0.25 steps/s\n"), (2, 1, 1, "1/2 steps  1 step/s  0:01 left\n"), (2, 0, 5, "0/2 steps\n")],
)  # fmt: skip
def test_one_is_no_plural_and_nothing_done_has_no_speed(capsys, clock, total, done, seconds, said):
    with Progress("x", 0, total) as progress:
        clock.now += seconds
        progress.update(done, {})
    assert capsys.readouterr().err == f"x  {said}"


def test_every_metric_has_its_name_and_four_digits(capsys):
    with Progress("vae", 0, 1) as progress:
        progress.update(1, {"nll": np.array([86.7654]), "held_out kl": np.array([1e-7])})
    assert re.search(r"nll 86\.77  held_out kl 1e-07\n$", capsys.readouterr().err)


def test_lines_keep_their_distance_in_time_but_the_last_is_always_printed(capsys, clock):
    with Progress("vae", 0, 100, seconds_between_lines=5.0) as progress:
        for done in range(1, 101):
            clock.now += 1
            progress.update(done, LOSS)
    told = [int(line.split("/")[0].split()[-1]) for line in capsys.readouterr().err.splitlines()]
    assert told[-1] == 100
    assert told.count(100) == 1
    assert all(later - earlier > 5 for earlier, later in pairwise(told[:-1]))
    assert len(told) >= 100 // 6


def test_the_last_line_is_printed_when_there_was_no_time(capsys, clock):
    with Progress("vae", 0, 3) as progress:
        for done in (1, 2, 3):
            progress.update(done, LOSS)
    assert "3/3 steps" in capsys.readouterr().err.splitlines()[-1]


def test_the_last_state_is_told_where_work_ends_early(capsys, clock):
    with Progress("vae", 0, 100) as progress:
        for done in (1, 2, 3):
            progress.update(done, LOSS)
    assert "3/100 steps" in capsys.readouterr().err.splitlines()[-1]


def test_nothing_is_told_before_an_update(capsys):
    with Progress("vae", 0, 10):
        pass
    assert capsys.readouterr() == ("", "")


def test_plain_lines_have_no_control_characters(capsys):
    with Progress("vae [paper]", 0, 1) as progress:
        progress.update(1, LOSS)
    err = capsys.readouterr().err
    assert err.startswith("vae [paper]  1/1 step  ")
    assert err.rstrip("\n").isprintable()


def test_an_error_inside_passes_through(capsys):
    with pytest.raises(KeyError):
        fail_inside()


def fail_inside() -> None:
    with Progress("vae", 0, 10) as progress:
        progress.update(1, LOSS)
        raise KeyError("from inside")


class Terminal(io.StringIO):
    """Standard error as a terminal; ``shown`` is what arrived there, less its control sequences."""

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", self.getvalue())


def open_terminal(monkeypatch) -> Terminal:
    """To be called in the test: between a fixture and its test, pytest puts its own standard error back."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    return terminal


def test_on_a_terminal_a_bar_tells_the_same_and_standard_output_nothing(monkeypatch, capsys):
    terminal = open_terminal(monkeypatch)
    with Progress("vae", 10, 30) as progress:
        progress.update(20, LOSS)
        progress.update(30, LOSS)
    shown = terminal.shown()
    assert "vae" in shown
    assert "30/30" in shown
    assert "steps/s  loss 0.5" in shown
    assert capsys.readouterr().out == ""


def test_on_a_terminal_an_error_inside_passes_through_and_the_cursor_comes_back(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with pytest.raises(KeyError):
        fail_inside()
    assert "1/10" in terminal.shown()
    hidden, visible = (terminal.getvalue().rfind(f"\x1b[?25{letter}") for letter in "lh")
    assert -1 < hidden < visible


def test_on_a_terminal_the_label_and_names_are_shown_as_they_are(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with Progress("vae [paper]", 0, 1) as progress:
        progress.update(1, {"loss [nats]": np.array([0.5])})
    shown = terminal.shown()
    assert "vae [paper]" in shown
    assert "loss [nats] 0.5" in shown


def test_on_a_terminal_what_others_print_stays_on_standard_output(monkeypatch, capsys):
    open_terminal(monkeypatch)
    with Progress("vae", 0, 1):
        print("a result")
    assert capsys.readouterr().out == "a result\n"


def test_on_a_terminal_standard_output_is_given_back(monkeypatch, capsys):
    open_terminal(monkeypatch)
    before = sys.stdout
    with Progress("vae", 0, 1):
        pass
    assert sys.stdout is before
