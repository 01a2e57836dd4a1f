"""Whole runs, as short as can be: two steps of preset smoke."""

from experiments.run import runner
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.settings import configure


def smoke_run(name, folder, **fields):
    """Trains into ``folder``, and returns it."""
    experiment = load(name)
    short = {"steps": 2, "chunk": 2, "evaluate_every": 2, "save_every": 2}
    settings = configure(experiment.settings(), experiment.card.all_presets["smoke"] | short | fields)
    runner.start(prepare(name, "smoke", settings), folder)
    return folder
