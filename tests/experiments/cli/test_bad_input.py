"""What a user gets wrong is one line and exit status 2, and what is there stays as it is."""

import json
import re

import pytest
from command import SMALL, config_of, snapshot

from experiments.cli.main import main

BAD = {
    "unknown experiment": (["run", "vea"], "did you mean vae"),
    "no experiment": (["run"], "lectern list"),
    "unknown command": (["rnu", "vae"], "invalid choice: 'rnu'"),
    "unknown preset": (["run", "vae", "--preset", "papr"], "did you mean paper"),
    "unknown flag": (["run", "vae", "--latnt", "3"], "did you mean --latent"),
    "negative": (["run", "vae", "--latent", "-1"], "--latent must be greater than 0, got -1"),
    "not a number": (["run", "vae", "--latent", "many"], "'many'"),
    "not a choice": (["run", "vae", "--network", "cov"], "('mlp', 'conv')"),
    "bad width": (["run", "vae", "--widths", "3", "0"], "--widths must be greater than 0, got 0"),
    "widths with a comma": (["run", "vae", "--widths", "128,64"], "between them: write `--widths 128 64`; see"),
    "commas among words": (["run", "vae", "--widths=8,4,", "2"], "write `--widths 8 4 2`; see"),
    "commas over a line": (["run", "vae", "--widths", "9" * 40 + "," + "8" * 40], f"{'9' * 40} {'8' * 40}`; see"),
    "decays with a comma": (["run", "vae", "--decay-steps", "3,4"], "write `--decay-steps 3 4`; see"),
    "widths of no numbers": (["run", "vae", "--widths", "8x4"], "--widths cannot be 8x4: it takes numbers"),
    "width of no whole number": (["run", "vae", "--widths", "8", "0.5"], "--widths cannot be 8 0.5: it takes numbers"),
    "folder of a sweep": (["sweep", "vae", "--beta", "1", "2", "--into", "x"], "--into; here it is --workdir; see"),
    "folder of a run": (["run", "vae", "--into=x"], "unknown flag --into; here it is --workdir; see"),
    "folder of a replication": (["replicate", "vae", "--workdir", "x"], "--workdir; here it is --into; see"),
    "patience between evaluations": (
        ["run", "vae", "--patience", "2", "--steps", "70"],
        "multiple of --evaluate-every",
    ),
    "patience on the test split": (["run", "vae", "--patience", "2", "--train-on", "train+valid"], "--patience"),
    "settings that disagree": (["run", "vae", "--likelihood", "gaussian"], "--binarization none"),
    "scores of too few classes": (
        ["run", "convnet", "--pattern", "CONV 4 -> RELU -> FC 5"],
        "--pattern ends in FC 5, where 10 classes are to be told apart: write FC",
    ),
    "nothing hidden": (["run", "masked_text", "--masked", "0"], "--masked must be greater than 0"),
    "vectors of more numbers than words": (["run", "word_vectors", "--size", "500"], "--size 500: counting finds"),
    "folder needed": (["run", "vae", "--preset", "paper"], "--data-dir FOLDER"),
    "folder missing": (["run", "vae", "--preset", "paper", "--data-dir", "nowhere"], "no such folder"),
    "unknown data": (["run", "vae", "--data", "digit"], "digits"),
    "resume nothing": (["resume", "nowhere"], "holds no run"),
    "evaluate nothing": (["evaluate", "nowhere"], "holds no run"),
    "report nothing": (["report", "nowhere"], "lectern run vae"),
    "flag of another command": (["list", "--steps", "3"], "--steps"),
    "no rounds": (["bench", "loop", "--rounds", "0"], "--rounds"),
    "folder that cannot be": (["run", "vae", *SMALL, "--workdir", "/proc/nope"], "/proc/nope"),
    "unknown benchmark": (["bench", "vea"], "did you mean vae"),
}


@pytest.mark.parametrize(("words", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_nothing_is_written(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if words[0] == "run" and len(words) > 1 and "--workdir" not in words:
        words = [*words, "--workdir", "out"]
    assert main(words) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_is_named(idx_folder, tmp_path, capsys):
    file = idx_folder / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-20])
    assert main(["run", "vae", "--data-dir", str(idx_folder), "--workdir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(file) in error
    assert not (tmp_path / "run").exists()


def test_cosine_refuses_another_number_of_steps(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["run", "vae", *SMALL, "--schedule", "cosine", "--workdir", str(folder)]) == 0
    assert main(["resume", str(folder), "--steps", "30"]) == 2
    assert "steps (20 → 30)" in capsys.readouterr().err


def test_resume_refuses_an_edited_config(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["run", "vae", *SMALL, "--workdir", str(folder)]) == 0
    capsys.readouterr()
    config = config_of(folder)
    config["config"]["latent"] = 3
    (folder / "config.json").write_text(json.dumps(config))
    before = snapshot(folder)
    assert main(["resume", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "latent" in error
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"experiment": "vae"}',
        '{"experiment": "os", "preset": "x", "config": {}}',
    ],
)
def test_a_damaged_config_is_refused(damage, tmp_path, capsys):
    (tmp_path / "config.json").write_text(damage)
    assert main(["resume", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not re.search(r"NoneType|object has no|dict|KeyError", error)
