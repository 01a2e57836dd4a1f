"""The commands and their own flags."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from experiments.errors import WrongInput

COMMANDS = ("list", "run", "resume", "evaluate", "report", "bench")


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, **options) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str):
        raise WrongInput(f"{message}; see `{self.prog} --help`")


def parser(does: Mapping[str, Callable]) -> argparse.ArgumentParser:
    """The parser of the whole command line; ``does`` has the function of each command.

    What a command does not know is left to it: the settings of an experiment are flags too.
    """
    whole = _Parser(prog="lectern", description="Deep-learning systems, replicated beside their published numbers.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, text: str, **options) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=text, description=text, **options)
        subparser.set_defaults(does=does[name], parser=subparser)
        return subparser

    listing = command("list", "experiments, systems, presets, published figures; with a NAME, all of one")
    listing.add_argument("name", nargs="?", metavar="NAME", help="an experiment")
    listing.add_argument("--json", action="store_true", help="as JSON")

    run = command("run", "train and evaluate an experiment; its settings follow as --FIELD VALUE", add_help=False)
    run.add_argument("name", nargs="?", metavar="NAME", help="an experiment of `lectern list`")
    run.add_argument("--preset", default="default", help="named settings of the experiment")
    run.add_argument("--workdir", type=Path, help="where the run's files go; by default runs/NAME-PRESET-TIME")
    _add_processes(run)
    run.add_argument("-h", "--help", action="store_true", help="this; after a NAME, all of its settings")

    resume = command(
        "resume",
        "go on with a run; --steps N goes further than it was to, --data-dir D says where the data are now, "
        "--devices N and --shard S on what to train",
    )
    resume.add_argument("workdir", type=Path, metavar="WORKDIR")
    _add_processes(resume)

    evaluate = command("evaluate", "measure a saved step on the test split")
    evaluate.add_argument("workdir", type=Path, metavar="WORKDIR")
    evaluate.add_argument("--step", type=int, help="which checkpoint; by default the newest")
    evaluate.add_argument("--data-dir", type=Path, help="where the data set's files are now, if they were moved")

    report = command("report", "the ledger: ours beside the paper's")
    report.add_argument("runs", type=Path, nargs="?", default=Path("runs"), metavar="RUNS")
    report.add_argument("--html", type=Path, metavar="FILE", help="also write a self-contained page")
    report.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table as Markdown")

    bench = command("bench", "throughput, side by side with peers where they are installed")
    bench.add_argument("names", nargs="*", metavar="NAME", help="which benchmarks; by default all")
    bench.add_argument(
        "--rounds",
        type=int,
        default=5,
        choices=range(1, 1000),
        metavar="N",
        help="how often each contender runs, in turn",
    )
    return whole


def _add_processes(command: argparse.ArgumentParser) -> None:
    several = command.add_argument_group("several processes that train as one; type the same command in each")
    several.add_argument("--distributed", action="store_true", help="ask the cluster (SLURM, Open MPI, Kubernetes, …)")
    several.add_argument("--coordinator", metavar="HOST:PORT", help="without a cluster: where process 0 listens")
    several.add_argument("--processes", type=int, metavar="N", help="how many there are")
    several.add_argument("--process-id", type=int, metavar="I", help="which one this is, from 0")


def command_flags(command: str) -> set[str]:
    """The flags of a command itself, which no setting may be named like."""
    (commands,) = (
        each for each in parser(dict.fromkeys(COMMANDS, print))._actions if isinstance(each, argparse._SubParsersAction)
    )
    actions = commands.choices[command]._actions
    return {flag.removeprefix("--") for action in actions for flag in action.option_strings if flag.startswith("--")}
