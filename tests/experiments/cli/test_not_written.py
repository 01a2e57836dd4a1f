"""Commands on a saved run that cannot write: one line with the place and the reason, exit status 1, and no remains."""

import errno
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import snapshot
from whole_runs import smoke_run

from experiments.cli.main import main
from experiments.errors import NotWritten
from experiments.run.prediction import PixelPrediction
from experiments.run.prediction_files import write_predictions

COMMANDS = {
    "sample": ([], "samples"),
    "draw": ([], "figures"),
    "draw a step": (["--step", "2"], "figures"),
    "export": (["--to", "model/of/run"], "model"),
}
"""Words after the run folder, and the folder that is written into, seen from there."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.run.runner.draw_figures", lambda run, workdir, params, folder: None)
        return smoke_run("vae", tmp_path_factory.mktemp("vae") / "run", widths=(8,), latent=2)


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.plots.canvas.png", lambda figure: bytes(5000))
    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "run"))
    return Path()


@pytest.fixture
def limited():
    """The system refuses files of more bytes than it is called with."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def said_by(command, run, capsys):
    words, _ = COMMANDS[command]
    assert main([command.split()[0], str(run), *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def everything(run):
    return {*run.rglob("*")}, snapshot(run)


@pytest.mark.parametrize("most", [10, 2000])
@pytest.mark.parametrize("command", COMMANDS)
def test_files_that_do_not_fit(command, most, run, limited, capsys):
    before = everything(run)
    limited(most)
    line = said_by(command, run, capsys)
    assert line.startswith(f"lectern: {COMMANDS[command][1]}")
    assert os.strerror(errno.EFBIG) in line
    assert everything(run) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_read_only_disk(command, run, monkeypatch, capsys):
    def refused(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refused)
    assert f"cannot be written ({os.strerror(errno.EROFS)})" in said_by(command, run, capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_in_the_way(command, run, capsys):
    place = run / COMMANDS[command][1]
    place.touch()
    before = everything(run)
    assert f"{place} is a file where a folder is to be" in said_by(command, run, capsys)
    assert everything(run) == before


def test_pictures_of_predictions_that_do_not_fit(tmp_path, limited):
    labels = np.random.default_rng(0).integers(0, 2, (64, 64))
    prediction = PixelPrediction(Path("a.png"), labels, ("one", "other"))
    limited(10)
    with pytest.raises(NotWritten, match="File too large"):
        write_predictions(tmp_path, [prediction])
    assert not any(tmp_path.iterdir())
