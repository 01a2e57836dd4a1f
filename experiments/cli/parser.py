"""The commands and their own flags."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from experiments.errors import WrongInput

MAY_CHANGE = (
    "These settings may be other than they were: --steps, --data-dir, --devices, --shard, --evaluation-batch, and what "
    "only the evaluation reads, such as --importance-samples."
)
COMMANDS = (
    *("list", "run", "resume", "sweep", "replicate", "evaluate", "sample", "draw", "export", "predict"),
    *("report", "bench"),
)


class _Version(argparse.Action):
    """Prints the version; it is looked up only then."""

    def __call__(self, parser, *_) -> None:
        from importlib.metadata import version

        print(f"lectern {version('lectern')}")
        parser.exit()


class _NamedOtherwise(argparse.Action):
    """Refuses a flag of another command that has the name ``const`` here."""

    def __call__(self, parser, *_) -> None:
        parser.error(f"unknown flag {self.option_strings[0]}; here it is {self.const}")


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
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version")
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
    run.add_argument(
        "--from",
        dest="origin",
        type=Path,
        metavar="PLACE",
        help="start from another run's parameters, those of its first seed and newest step that fit; or from a file: "
        "weights.safetensors of `lectern export`, or weights published for PyTorch or for Darknet",
    )
    run.add_argument(
        "--freeze",
        nargs="+",
        default=(),
        metavar="WHAT",
        help="what of them keeps its values: taken (all), a number of layers (3: the first three, -1: all but the last)"
        " or names as in `params/trunk`, batch_stats, '*conv*'",
    )
    _refuse(run, "--into", "--workdir")
    _add_processes(run)
    run.add_argument("-h", "--help", action="store_true", help="this; after a NAME, all of its settings")

    resume = command("resume", "go on with a run", add_help=False)
    resume.epilog = MAY_CHANGE
    resume.add_argument("workdir", nargs="?", type=Path, metavar="WORKDIR")
    _add_processes(resume)
    resume.add_argument("-h", "--help", action="store_true", help="this; after a WORKDIR, what may change of that run")

    sweep = command(
        "sweep",
        "a run for each value of a setting, or for each combination: lectern sweep vae --beta 1 2 4 --seeds 3; a value "
        "of several numbers has commas: --widths 64 128,64; what is trained already is skipped",
    )
    sweep.add_argument("name", metavar="NAME", help="an experiment of `lectern list`")
    sweep.add_argument("--preset", default="default", help="named settings of the experiment")
    sweep.add_argument("--workdir", type=Path, help="where the run folders go; by default runs/sweep-NAME-PRESET")
    _refuse(sweep, "--into", "--workdir")

    replicate = command(
        "replicate",
        "run the presets that have published figures, cheapest first, skip what is finished, go on with what is not, "
        "and print ours beside what was published",
    )
    replicate.add_argument("names", nargs="*", metavar="NAME", help="experiments; by default all with such presets")
    replicate.add_argument("--hours", type=float, metavar="H", help="start no run that would end later than this")
    replicate.add_argument("--seeds", type=int, metavar="N", help="seeds of each run; by default three")
    replicate.add_argument(
        "--data-dir",
        nargs="+",
        default=(),
        metavar="NAME=PLACE",
        help="where data sets are that do not ship: mnist=FOLDER cora=FILE.npz",
    )
    replicate.add_argument(
        "--into",
        type=Path,
        metavar="FOLDER",
        help="a ledger of your own: runs go there, and what is finished there is skipped; without it runs go to "
        "runs/ledger, and what docs/ledger has is skipped too",
    )
    _refuse(replicate, "--workdir", "--into")

    evaluate = command("evaluate", "measure a saved step on the test split", epilog=MAY_CHANGE.replace("--steps, ", ""))
    evaluate.add_argument("workdir", type=Path, metavar="WORKDIR")
    evaluate.add_argument("--step", type=int, help="which checkpoint; by default the newest")

    text = "draw new examples from a saved step; options of the experiment follow as --FIELD VALUE"
    sample = command("sample", text, add_help=False)
    _add_saved(sample, nargs="?")
    sample.add_argument(
        "-h", "--help", action="store_true", help="this; after a WORKDIR, the options of its experiment"
    )
    sample.add_argument("--count", type=int, default=16, metavar="N", help="how many; by default 16")
    sample.add_argument("--seed", type=int, default=0, metavar="S", help="of the drawing; the same draws the same")

    _add_saved(command("draw", "draw the figures of a saved step, into figures/ or figures/step-N/"))

    export = command("export", "write a network's weights and forward pass, for use without lectern")
    _add_saved(export)
    export.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="a new folder")
    export.add_argument(
        "--platforms",
        nargs="+",
        default=(),
        metavar="P",
        help="what the forward pass is for: cpu, cuda, rocm, tpu; by default where this runs",
    )

    predict = command("predict", "classes of your pictures, what is where in them, or the class of every pixel")
    _add_saved(predict)
    predict.add_argument("files", type=Path, nargs="+", metavar="FILE", help="PNG or JPEG")
    predict.add_argument("--json", action="store_true", help="a line of JSON for each picture")
    predict.add_argument(
        "--least-score", type=float, metavar="P", help="of the boxes that a detector tells; by default 0.5"
    )

    report = command("report", "the ledger: ours beside the paper's")
    report.add_argument("runs", type=Path, nargs="?", default=Path("runs"), metavar="RUNS")
    report.add_argument(
        "--html",
        "--page",
        type=Path,
        metavar="FILE",
        help="also write a self-contained page; of many runs the pictures are links to their folders",
    )
    report.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table as Markdown")
    report.add_argument(
        "--all", action="store_true", help="all metrics, also of runs that have published figures to stand beside"
    )
    report.add_argument(
        "--pool", action="store_true", help="one row for runs that differ in seed or random split alone"
    )

    bench = command("bench", "throughput, side by side with peers where they are installed")
    bench.add_argument(
        "names", nargs="*", metavar="NAME", help="which benchmarks; by default all but rules, layers and products"
    )
    bench.add_argument(
        "--rounds",
        type=int,
        default=5,
        choices=range(1, 1000),
        metavar="N",
        help="how often each contender runs, in turn",
    )
    return whole


def _add_saved(command: argparse.ArgumentParser, **options: str) -> None:
    command.add_argument("workdir", type=Path, metavar="WORKDIR", **options)
    command.add_argument("--step", type=int, help="which checkpoint; by default the newest")
    command.add_argument("--of-seed", type=int, metavar="S", help="which trained seed; by default the first")
    command.add_argument("--data-dir", type=Path, help="where the data set's files are now, if they were moved")


def _refuse(command: argparse.ArgumentParser, other: str, name: str) -> None:
    """A flag that another command has, and that is called ``name`` by this one."""
    command.add_argument(other, action=_NamedOtherwise, nargs="?", const=name, help=argparse.SUPPRESS)


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
