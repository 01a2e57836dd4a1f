"""Signals at the moments when no chunk runs: none is swallowed, whatever the command does."""

import json
import signal
import subprocess
import sys

import pytest
from command import ROOT

from experiments.cli import results
from experiments.cli.main import DOES, main
from experiments.cli.parser import COMMANDS
from experiments.run import run_folder, runner
from train.loop import Diverged

SMALL = ["mlp", "--preset", "smoke", "--widths", "8", "--steps", "2", "--chunk", "2"]
SIGNALS = [signal.SIGTERM, signal.SIGINT]
REQUIRED = {
    **{"sweep": ["mlp"], "evaluate": ["run"], "draw": ["run"], "export": ["run", "--to", "model"]},
    **{"predict": ["run", "picture.png"], "report": ["runs"]},
}
"""Words without which a command is refused before it does anything."""


@pytest.fixture(autouse=True)
def _interrupts_are_heard():
    """Also where the tests were started in the background, whose processes ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def signalled(number, function):
    """The function, while which a signal comes."""

    def called(*arguments, **options):
        signal.raise_signal(number)
        return function(*arguments, **options)

    return called


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A run that SIGTERM reached while its figures were drawn, and its exit status."""
    folder = tmp_path_factory.mktemp("drawn") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "draw_figures", signalled(signal.SIGTERM, runner.draw_figures))
        status = main(["run", *SMALL, "--workdir", str(folder)])
    return folder, status


def summary_of(folder):
    return json.loads((folder / run_folder.SUMMARY).read_text())


def test_a_run_that_is_signalled_while_it_is_drawn_is_finished(drawn):
    folder, status = drawn
    assert status == 128 + signal.SIGTERM
    assert summary_of(folder)["steps"] == 2
    assert (folder / "figures" / "confusion.png").exists()
    assert main(["resume", str(folder)]) == 0


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("moment", ["end of training", "result", "divergence"])
def test_after_a_signal_no_other_run_begins(moment, number, drawn, tmp_path, monkeypatch, capsys):
    def start(run, workdir, signals):
        begun.append(workdir)
        if moment == "divergence":
            raise Diverged("loss", 1, 0, 0)
        return summary_of(drawn[0])

    begun = []
    monkeypatch.setattr(runner, "start", start)
    if moment == "result":
        monkeypatch.setattr(results, "print_result", signalled(number, results.print_result))
    else:
        monkeypatch.setattr(runner, "start", signalled(number, start))
    assert main(["sweep", *SMALL, "--workdir", str(tmp_path), "--learning-rate", "0.1", "0.2"]) == 128 + number
    (first,) = begun
    *_, said, go_on = capsys.readouterr().err.splitlines()
    assert said == f"lectern: {number.name} came when {first} was trained: nothing is lost"
    assert go_on == "lectern: ended in run 1 of 2: the same command goes on"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_is_one_line_in_every_command(command, monkeypatch, capsys):
    """Also before a run has its own answer to signals."""

    def interrupted(given, flags):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setitem(DOES, command, interrupted)
    assert main([command, *REQUIRED.get(command, [])]) == 128 + signal.SIGINT
    assert capsys.readouterr().err == "lectern: stopped by SIGINT\n"


def test_an_interrupt_within_an_import_is_one_line_too(tmp_path):
    """Where extensions that import NumPy print the interrupt and raise ``ImportError`` instead."""
    lines = ["import signal", "try: signal.raise_signal(signal.SIGINT)", "except BaseException: raise ImportError"]
    (tmp_path / "slow.py").write_text("\n".join(lines))
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    run = "from experiments.cli import main; main.DOES['list'] = lambda *_: __import__('slow'); main.console()"
    command = [sys.executable, "-c", f"{heard}; {run}", "list"]
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "lectern: stopped by SIGINT\n")
