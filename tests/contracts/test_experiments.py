"""What every experiment promises; experiments are found, so a new one cannot escape."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from experiments import registry, runner
from experiments.cli import main
from experiments.cli.flags import replace
from experiments.run.registry import load, read_card

FILES = registry._files()
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


@pytest.fixture(scope="class")
def four_steps(request, tmp_path_factory):
    """The folder and the summary of a run of four steps and two seeds."""
    name = request.cls.name
    folder = tmp_path_factory.mktemp(name) / "run"
    return folder, train(name, folder, steps=4, seeds=2)


class ExperimentContract:
    """The contract of the experiment ``name``; each has a class of its own, and so its tests share a process."""

    name: str

    def test_its_card_is_what_it_says_when_imported(self):
        card, experiment = read_card(FILES[self.name]), load(self.name)
        assert (card.systems, card.presets) == (experiment.systems, experiment.presets)
        assert card.references == experiment.references
        assert card.summary.endswith(".")

    def test_its_presets_are_settings_and_its_references_are_measured(self):
        experiment = load(self.name)
        assert {"smoke", "default"} <= experiment.presets.keys()
        for preset in experiment.presets.values():
            assert dataclasses.replace(experiment.settings(), **preset)
        for reference in experiment.references:
            assert reference.preset in experiment.presets
            assert reference.metric in experiment.units
            assert re.search(r"\d{4}", reference.source), "a source has a year"

    def test_its_systems_are_in_the_catalogue(self):
        known = set(re.findall(r"^\| ([A-Z]\d+) ", CATALOGUE.read_text(), re.MULTILINE))
        assert set(load(self.name).systems) <= known

    def test_it_runs_and_its_folder_is_complete(self, four_steps):
        folder, summary = four_steps
        assert summary.keys() == SUMMARY_KEYS
        assert json.loads((folder / "summary.json").read_text()) == json.loads(json.dumps(summary))
        assert {path.name for path in folder.iterdir()} == {
            "config.json", "metrics.jsonl", "tensorboard", "checkpoints", "figures", "summary.json",
        }  # fmt: skip
        assert summary["seeds"] == [0, 1]
        assert summary["metrics"].keys() <= load(self.name).units.keys()
        for metric in summary["metrics"].values():
            assert np.isfinite(metric["values"]).all()
            assert len(metric["values"]) == 2
        assert {"learning_curves.png"} < {path.name for path in (folder / "figures").iterdir()}

    def test_a_seed_in_an_ensemble_is_the_seed_alone(self, four_steps, without_figures, tmp_path):
        together = four_steps[1]
        alone = train(self.name, tmp_path / "alone", steps=4, seed=1)
        for metric, value in alone["metrics"].items():
            assert value["values"] == [together["metrics"][metric]["values"][1]]

    def test_resumed_is_never_stopped(self, four_steps, without_figures, tmp_path):
        whole = four_steps[1]
        train(self.name, tmp_path / "run", steps=2, seeds=2)
        config, saved = runner.reopen(tmp_path / "run")
        run = runner.prepare(config.experiment, config.preset, replace(saved, steps=4))
        resumed = runner.resume(run, tmp_path / "run")
        assert resumed["state_sha256"] == whole["state_sha256"]
        assert resumed["metrics"] == whole["metrics"]

    def test_a_saved_run_evaluates_to_its_summary(self, four_steps):
        folder, summary = four_steps
        config, settings = runner.reopen(folder)
        step, metrics = runner.evaluate(runner.prepare(config.experiment, config.preset, settings), folder, None)
        assert step == 4
        assert metrics == summary["metrics"]

    def test_an_unknown_flag_is_refused(self, tmp_path, capsys):
        assert main(["run", self.name, "--preset", "smoke", "--workdir", str(tmp_path / "run"), "--stepz", "3"]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "did you mean --steps" in error
        assert not (tmp_path / "run").exists()


for _name in FILES:
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (ExperimentContract,), {"name": _name})
