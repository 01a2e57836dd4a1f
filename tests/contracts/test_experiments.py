"""What every experiment promises; experiments are found, so a new one cannot escape."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from experiments import registry, runner
from experiments.cli import main
from experiments.flags import replace
from experiments.registry import load, read_card

FILES = registry._files()
EVERY = pytest.mark.parametrize("name", FILES)
SUMMARY_KEYS = {
    "experiment", "preset", "config", "seeds", "steps", "stopped_early", "epochs", "dataset", "metrics", "references",
    "wall_seconds", "compile_seconds", "examples_per_second", "parameters", "flops_per_step", "device", "versions",
    "commit", "state_sha256", "cost",
}  # fmt: skip
CATALOGUE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def smoke(name, **fields):
    experiment = load(name)
    return replace(experiment.settings(), **(experiment.presets["smoke"] | {"chunk": 2} | fields))


def train(name, workdir, **fields):
    return runner.start(runner.prepare(name, "smoke", smoke(name, **fields)), workdir)


@pytest.fixture(scope="module")
def four_steps(tmp_path_factory):
    """Runs of four steps and two seeds, by experiment; made once."""
    made = {}

    def run(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name) / "run"
            made[name] = folder, train(name, folder, steps=4, seeds=2)
        return made[name]

    return run


@EVERY
def test_its_card_is_what_it_says_when_imported(name):
    card, experiment = read_card(FILES[name]), load(name)
    assert (card.systems, card.presets) == (experiment.systems, experiment.presets)
    assert card.references == experiment.references
    assert card.summary.endswith(".")


@EVERY
def test_its_presets_are_settings_and_its_references_are_measured(name):
    experiment = load(name)
    assert {"smoke", "default"} <= experiment.presets.keys()
    for preset in experiment.presets.values():
        assert dataclasses.replace(experiment.settings(), **preset)
    for reference in experiment.references:
        assert reference.preset in experiment.presets
        assert reference.metric in experiment.units
        assert re.search(r"\d{4}", reference.source), "a source has a year"


@EVERY
def test_its_systems_are_in_the_catalogue(name):
    known = set(re.findall(r"^\| ([A-Z]\d+) ", CATALOGUE.read_text(), re.MULTILINE))
    assert set(load(name).systems) <= known


@EVERY
def test_it_runs_and_its_folder_is_complete(name, four_steps):
    folder, summary = four_steps(name)
    assert summary.keys() == SUMMARY_KEYS
    assert json.loads((folder / "summary.json").read_text()) == json.loads(json.dumps(summary))
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "metrics.jsonl", "tensorboard", "checkpoints", "figures", "summary.json",
    }  # fmt: skip
    assert summary["seeds"] == [0, 1]
    assert summary["metrics"].keys() <= load(name).units.keys()
    for metric in summary["metrics"].values():
        assert np.isfinite(metric["values"]).all()
        assert len(metric["values"]) == 2
    assert {"learning_curves.png"} < {path.name for path in (folder / "figures").iterdir()}


@EVERY
def test_a_seed_in_an_ensemble_is_the_seed_alone(name, four_steps, tmp_path):
    together = four_steps(name)[1]
    alone = train(name, tmp_path / "alone", steps=4, seed=1)
    for metric, value in alone["metrics"].items():
        assert value["values"] == [together["metrics"][metric]["values"][1]]


@EVERY
def test_resumed_is_never_stopped(name, four_steps, tmp_path):
    train(name, tmp_path / "run", steps=2, seeds=2)
    whole = four_steps(name)[1]
    config, saved = runner.reopen(tmp_path / "run")
    run = runner.prepare(config.experiment, config.preset, replace(saved, steps=4))
    resumed = runner.resume(run, tmp_path / "run")
    assert resumed["state_sha256"] == whole["state_sha256"]
    assert resumed["metrics"] == whole["metrics"]


@EVERY
def test_a_saved_run_evaluates_to_its_summary(name, four_steps):
    folder, summary = four_steps(name)
    config, settings = runner.reopen(folder)
    step, metrics = runner.evaluate(runner.prepare(config.experiment, config.preset, settings), folder, None)
    assert step == 4
    assert metrics == summary["metrics"]


@EVERY
def test_an_unknown_flag_is_refused(name, tmp_path, capsys):
    assert main(["run", name, "--preset", "smoke", "--workdir", str(tmp_path / "run"), "--stepz", "3"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "did you mean --steps" in error
    assert not (tmp_path / "run").exists()
