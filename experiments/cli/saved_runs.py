"""Commands on a saved run: they write nothing that training reads."""

import argparse
import json
from typing import TYPE_CHECKING

from experiments.cli.environment import cache_compilations
from experiments.cli.exit_status import DONE
from experiments.errors import WrongInput

if TYPE_CHECKING:
    from experiments.run.saved_run import SavedRun


def evaluate(given: argparse.Namespace, flags: list[str]) -> int:
    """Measures a saved step on the test split."""
    from experiments.run.run_folder import read_config

    read_config(given.workdir)
    cache_compilations()
    from experiments.cli.flags import parse_flags
    from experiments.cli.results import print_metrics, steps_in_words
    from experiments.run import reopening, runner
    from experiments.run.run import prepare
    from train.checkpoint import CheckpointError

    config, as_saved = reopening.reopen(given.workdir)
    settings = parse_flags(as_saved, flags, prog=f"lectern evaluate {given.workdir}")
    reopening.refuse_changes(given.workdir, config.settings, settings, free=reopening.FREE_TO_EVALUATE)
    run = prepare(config.experiment, config.preset, settings, config.origin)
    try:
        saved, metrics = runner.evaluate(run, given.workdir, given.step)
    except CheckpointError as error:
        raise WrongInput(str(error)) from error
    print(f"{run.name}  preset {run.preset}  {run.dataset.protocol}  {steps_in_words(saved.measured_steps)}")
    for change in reopening.changes_of_evaluation(config.settings, run):
        print(f"  {change}")
    print_metrics(metrics)
    return DONE


def _opened(given: argparse.Namespace) -> "SavedRun":
    cache_compilations()
    from experiments import open_run

    return open_run(given.workdir, data_dir=given.data_dir)


def sample(given: argparse.Namespace, flags: list[str]) -> int:
    """Draws new examples from a saved step, and writes them into the run folder."""
    if given.help:
        given.parser.print_help()
    elif given.workdir is None:
        raise WrongInput("which run? type `lectern sample WORKDIR`, with the folder that `lectern run` named")
    if given.workdir is None:
        return DONE
    saved = _opened(given)
    from experiments.cli.flags import parse_flags
    from experiments.run.sample_files import texts, write_samples
    from experiments.run.settings import as_json

    flags = [*flags, "--help"] if given.help else flags
    options = parse_flags(saved.options(), flags, prog=f"lectern sample {given.workdir}")
    step, params = saved.at(seed=given.of_seed, step=given.step)
    examples = saved.sampled(params, options, count=given.count, seed=given.seed)
    of_seed = saved.settings.seeds.seed if given.of_seed is None else given.of_seed
    told = {"count": given.count, "seed": given.seed, "of_seed": of_seed, "step": step, **as_json(options)}
    folder = write_samples(given.workdir, step, saved.dataset, told, examples)
    print(*texts(saved.dataset, examples), sep="\n\n---\n\n", end="\n\n" if "symbols" in examples else "")
    print(f"samples  {folder}")
    return DONE


def draw(given: argparse.Namespace, _: list[str]) -> int:
    """Draws the figures of a saved step."""
    saved = _opened(given)
    from experiments.run import runner

    step, params = saved.at(seed=given.of_seed, step=given.step)
    folder = given.workdir / "figures" / (f"step-{step}" if given.step is not None else "")
    runner.draw_figures(saved.run, given.workdir, params, folder)
    if saved.run.draws_seeds and given.of_seed is None:
        runner.draw_figures_of_seeds(saved.run, saved.of_all_seeds(step)[1], folder)
    print(f"figures  {folder}")
    return DONE


def export(given: argparse.Namespace, _: list[str]) -> int:
    """Writes the network of a saved step for use without this package."""
    saved = _opened(given)
    from experiments.report.model_card import model_card
    from experiments.run.export import export
    from experiments.run.run_folder import all_or_none

    exported = export(saved, given.to, seed=given.of_seed, step=given.step, platforms=given.platforms)
    with all_or_none(given.to):
        (given.to / "README.md").write_text(model_card(saved, exported))
    print(f"model  {given.to}")
    return DONE


def predict(given: argparse.Namespace, _: list[str]) -> int:
    """Prints what a trained network says of pictures; writes them with what was found in them."""
    saved = _opened(given)
    from experiments.cli.results import print_predictions
    from experiments.run.prediction import predict
    from experiments.run.prediction_files import write_predictions

    predictions = predict(saved, given.files, seed=given.of_seed, step=given.step, least_score=given.least_score)
    folder = write_predictions(given.workdir, predictions)
    if given.json:
        for each in predictions:
            print(json.dumps(each.as_json()))
    else:
        print_predictions(predictions)
        if folder:
            print(f"pictures  {folder}")
    return DONE
