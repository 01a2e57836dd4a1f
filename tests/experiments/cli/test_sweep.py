"""A sweep is runs side by side: which values, which folders, what is skipped, and the table at the end."""

import json
import shutil

import pytest

from experiments.cli.main import main
from experiments.cli.sweeping import split_flags
from experiments.errors import WrongInput
from experiments.foundations.mlp.experiment import MLPSettings
from experiments.run import run_folder

SMALL = ["mlp", "--preset", "smoke", "--steps", "4", "--chunk", "2", "--seeds", "2"]


def test_several_values_are_swept_and_one_is_fixed():
    fixed, swept = split_flags(MLPSettings, ["--seeds", "3", "--learning-rate", "0.1", "0.2", "--no-deterministic"])
    assert fixed == ["--seeds", "3", "--no-deterministic"]
    assert swept == [[("--learning-rate", ["0.1"]), ("--learning-rate", ["0.2"])]]


@pytest.mark.parametrize(
    ("words", "fixed", "values"),
    [
        (["--widths", "64", "32"], ["--widths", "64", "32"], []),
        (["--widths=64,32"], ["--widths", "64", "32"], []),
        (["--widths", "64", "128,64"], [], [["64"], ["128", "64"]]),
    ],
)
def test_a_value_of_several_numbers_has_commas(words, fixed, values):
    found, swept = split_flags(MLPSettings, words)
    assert found == fixed
    assert [value for choices in swept for _, value in choices] == values


def test_a_word_without_a_flag_is_refused():
    with pytest.raises(WrongInput, match="'3' belongs to no setting"):
        split_flags(MLPSettings, ["3", "--seeds", "2"])


def test_a_sweep_goes_on_where_it_was_killed_and_ends_in_a_table(tmp_path, undrawn, capsys):
    root = tmp_path / "sweep"
    words = ["sweep", *SMALL, "--workdir", str(root), "--learning-rate", "0.1", "0.01", "--widths", "4", "6,5"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    folders = [f"learning_rate={rate},widths={width}" for rate in ("0.1", "0.01") for width in ("4", "6x5")]
    assert sorted(path.name for path in root.iterdir()) == sorted(folders)
    table = printed[printed.rindex("run ") :]
    for folder in folders:
        error = json.loads((root / folder / "summary.json").read_text())["metrics"]["error"]
        line = next(line for line in table.splitlines() if line.startswith(folder))
        assert "±" in line
        assert f"{error['mean']:.1f}"[:3] in line
    kept = (root / folders[0] / "summary.json").stat().st_mtime_ns
    shutil.rmtree(root / folders[1])
    (root / folders[2] / "summary.json").unlink()
    assert main(words) == 0
    again = capsys.readouterr()
    assert again.out[again.out.rindex("run ") :] == table
    assert (root / folders[0] / "summary.json").stat().st_mtime_ns == kept
    assert main([*words, "--batch-size", "16"]) == 2
    assert "batch_size 128, not 16" in capsys.readouterr().err


def test_a_run_that_diverges_is_named_in_the_table(tmp_path, undrawn, capsys):
    words = ["sweep", *SMALL, "--workdir", str(tmp_path / "sweep"), "--optimizer", "sgd", "--learning-rate"]
    assert main([*words, "1e30", "0.1"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert next(line.split() for line in table if line.startswith("learning_rate=1e30"))[1] == "diverged"
    assert main([*words, "1e30", "0.1"]) == 0
    again = capsys.readouterr()
    assert "diverged before" in again.out
    assert "not finite" not in again.err, "it is not trained to the same end once more"
    assert again.out.splitlines()[-len(table) :][-3:] == table[-3:]
    (folder,) = (tmp_path / "sweep").glob("*1e30")
    assert main(["resume", str(folder)]) == 3, "who asks for it is obeyed"


def test_a_run_that_diverged_is_tried_again_under_other_source(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "commit", lambda: "1a2b3c4")
    run_folder.note_divergence(tmp_path, "loss is not finite at step 3")
    assert run_folder.read_divergence(tmp_path) == "loss is not finite at step 3"
    monkeypatch.setattr(run_folder, "commit", lambda: "5d6e7f8")
    assert run_folder.read_divergence(tmp_path) is None
    run_folder.forget_divergence(tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_sweep_of_nothing_says_how(capsys):
    assert main(["sweep", "mlp", "--seeds", "2"]) == 2
    assert "give a setting several" in capsys.readouterr().err
