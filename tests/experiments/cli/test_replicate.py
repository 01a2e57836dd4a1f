"""``lectern replicate`` on tiny presets: what it runs, in which order, and where it goes on."""

import dataclasses
import json
import re
import signal
import time
from pathlib import Path

import pytest
from command import finish, lectern, sha_of, trained_steps

from experiments.cli import replicating
from experiments.cli.main import main
from experiments.cli.sweeping import train_in
from experiments.report import costs
from experiments.run.card import Reference
from experiments.run.registry import entry, load

TINY = dict(steps=4, chunk=2, batch_size=16, evaluate_every=2, save_every=2)
REFERENCE = Reference("error", 90.0, "%", cite="lisa2015", read="source", protocol="", preset="tiny")


@pytest.fixture
def tiny(monkeypatch, tmp_path, undrawn):
    """Two experiments whose preset "tiny" has a figure and takes a second, one of them also a preset of MNIST."""
    made = {}
    for name, presets in (("mlp", {"tiny": TINY, "far": TINY | dict(data="mnist")}), ("lenet", {"tiny": TINY})):
        references = tuple(dataclasses.replace(REFERENCE, preset=preset) for preset in presets)
        pattern = {} if name == "mlp" else dict(pattern="CONV 2 stride 4 → RELU → FC")
        presets = {preset: fields | pattern for preset, fields in presets.items()}
        card = dataclasses.replace(entry(name).card, presets=presets, references=references)
        made[name] = dataclasses.replace(entry(name), card=card)
        experiment = dataclasses.replace(load(name), card=card)  # imported before its card is another
        monkeypatch.setattr(f"experiments.{made[name].family}.{name}.card.CARD", card)
        monkeypatch.setattr(f"experiments.{made[name].family}.{name}.experiment.EXPERIMENT", experiment)
    monkeypatch.setattr(replicating, "entries", lambda: list(made.values()))
    monkeypatch.setattr(costs, "LEDGER", tmp_path / "no archive")
    monkeypatch.setattr(costs, "estimated_seconds", lambda: {("mlp", "tiny"): 100.0, ("lenet", "tiny"): 10.0})
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trained(monkeypatch):
    """The folders in which something was trained, in turn; an entry of ``ends`` is a status instead of a training."""
    folders, ends = [], {}

    def train(folder, *rest):
        folders.append(folder.name)
        return ends[folder.name] if folder.name in ends else train_in(folder, *rest)

    monkeypatch.setattr(replicating, "train_in", train)
    return folders, ends


def summary_of(folder):
    return json.loads((Path(folder) / "summary.json").read_text())


def lines(printed, word):
    return [line for line in printed.splitlines() if line.startswith(word)]


def test_the_cheapest_is_first_what_lacks_data_is_named_and_the_table_ends_it(tiny, trained, capsys):
    assert main(["replicate"]) == 0
    printed = capsys.readouterr().out
    assert trained[0] == ["lenet-tiny", "mlp-tiny"]
    assert lines(printed, "skipped") == ["skipped   mlp far: mnist is not at hand: --data-dir mnist=PLACE"]
    (row,) = lines(printed[printed.index("verdict") :], "mlp tiny")
    summary = summary_of("runs/ledger/mlp-tiny")
    assert summary["seeds"] == [0, 1, 2], "three, where no number is asked for"
    cells = row.split()
    assert cells[2:6] == ["error", "%", "90", f"{summary['metrics']['error']['mean']:.1f}"]
    assert cells[8] == "3"
    assert re.search(r"^\d met.* of 2 published figures tried.*; 1 not run$", printed, re.MULTILINE)


def test_what_is_finished_is_skipped_and_a_killed_run_goes_on(tiny, trained, capsys):
    assert main(["replicate", "--into", "lab"]) == 0
    first = capsys.readouterr().out
    folders, _ = trained
    folders.clear()
    assert main(["replicate", "--into", "lab"]) == 0
    assert (folders, lines(capsys.readouterr().out, "to run")) == ([], ["to run    nothing"])
    state = summary_of("lab/mlp-tiny")["state_sha256"]
    for name in ("lab/mlp-tiny/summary.json", "lab/mlp-tiny/checkpoints/4"):
        Path(name).rename("gone" + name.replace("/", "-"))
    assert main(["replicate", "--into", "lab"]) == 0
    again = capsys.readouterr()
    assert folders == ["mlp-tiny"]
    assert "resuming lab/mlp-tiny from step 2" in again.out + again.err
    assert summary_of("lab/mlp-tiny")["state_sha256"] == state
    assert lines(again.out, "mlp tiny")[-1] == lines(first, "mlp tiny")[-1]


def test_a_signal_ends_it_all_and_a_run_that_diverges_does_not(tiny, trained, capsys):
    folders, ends = trained
    ends["lenet-tiny"] = 128 + signal.SIGTERM
    assert main(["replicate"]) == 128 + signal.SIGTERM
    assert folders == ["lenet-tiny"]
    assert capsys.readouterr().err == "lectern: ended in run 1 of 2: the same command goes on\n"
    ends["lenet-tiny"] = 3
    assert main(["replicate"]) == 3
    assert folders == ["lenet-tiny", "lenet-tiny", "mlp-tiny"]
    assert "failed    lenet tiny: exit status 3" in capsys.readouterr().out


def test_no_run_is_started_that_would_end_after_the_hours(tiny, trained, capsys):
    assert main(["replicate", "--hours", "0.02", "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert trained[0] == ["lenet-tiny"], "10 of 72 seconds, then 100 of fewer"
    (line,) = lines(printed, "too long")
    assert line.startswith("too long  mlp tiny: about 1 min 40 s, and ")


def test_a_folder_with_another_run_is_left_alone(tiny, trained, capsys):
    assert main(["replicate", "lenet", "--seeds", "1"]) == 0
    assert main(["replicate", "lenet", "--seeds", "2"]) == 2
    assert "was trained with seeds 1, not 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["karate_club"], "karate_club has no published figure"),
        (["nlp"], "did you mean mlp"),
        (["--hours", "0"], "--hours"),
        (["--seeds", "0"], "--seeds"),
        (["--data-dir", "mnist"], "NAME=PLACE"),
    ],
)
def test_a_wrong_command_is_one_line(words, said, capsys):
    assert main(["replicate", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_killed_at_any_moment_the_same_command_ends_in_the_same_bits(tmp_path):
    words = ("replicate", "perceptron", "--into")
    assert finish(lectern(*words, tmp_path / "whole"))[0] == 0
    process = lectern(*words, tmp_path / "killed")
    folder = tmp_path / "killed" / "perceptron-default"
    while len(trained_steps(folder)) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (folder / "summary.json").exists()
    assert finish(lectern(*words, tmp_path / "killed"))[0] == 0
    assert sha_of(folder) == sha_of(tmp_path / "whole" / "perceptron-default")
