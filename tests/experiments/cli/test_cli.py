import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command import ROOT, SMALL, config_of, finish, lectern, sha_of, snapshot
from idx_files import write_idx

from experiments.cli.main import main


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of 20 steps and two seeds."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert main(["run", "vae", *SMALL, "--seeds", "2", "--workdir", str(folder)]) == 0
    return folder


def test_help_and_list_import_nothing_heavy():
    heavy = {"jax", "numpy", "flax", "optax", "matplotlib", "tyro", "rich"}
    call = "try: main(sys.argv[1:])\nfinally: print('\\n', *sys.modules)"
    code = f"import sys; from experiments.cli.main import main\n{call}"
    for words in (["--help"], ["list"], ["list", "--json"], ["run", "--help"]):
        output = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True).stdout
        assert "argparse" in output
        assert not heavy & set(output.splitlines()[-1].split()), words


def test_a_reader_who_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m experiments.cli list | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_list_as_json(capsys):
    assert main(["list", "--json"]) == 0
    (entry,) = [e for e in json.loads(capsys.readouterr().out)["experiments"] if e["name"] == "vae"]
    assert entry.keys() == {"name", "family", "summary", "systems", "presets", "references"}
    assert entry["references"][0]["value"] == 86.76
    assert "paper" in entry["presets"]


def test_list_of_one_shows_what_each_preset_changes(capsys):
    assert main(["list", "vae"]) == 0
    printed = capsys.readouterr().out
    assert "Kingma & Welling 2014" in printed
    assert "--preset conv: --network conv --widths 16 32 --steps 2000 --chunk 10" in printed
    assert "86.76 nats (Burda et al. 2016, table 1" in printed
    assert main(["list", "vea"]) == 2
    assert "did you mean vae" in capsys.readouterr().err


def test_help_shows_groups(capsys):
    with pytest.raises(SystemExit):
        main(["run", "vae", "--help"])
    printed = capsys.readouterr().out
    for group in ("loop", "seeds", "placement", "images", "architecture", "bound", "optimization"):
        assert f"{group} options" in printed


@pytest.mark.usefixtures("undrawn")
def test_run_prints_mean_and_deviation_over_seeds(finished, capsys):
    assert main(["run", "vae", *SMALL, "--seeds", "2", "--seed", "5", "--workdir", str(finished.parent / "other")]) == 0
    printed = capsys.readouterr().out
    assert "2 seeds, 5 to 6" in printed
    assert "digits 1297/250/250, stochastic binarisation" in printed
    summary = json.loads((finished.parent / "other" / "summary.json").read_text())
    nll = summary["metrics"]["nll"]
    np.testing.assert_allclose(nll["std"], np.std(nll["values"], ddof=1))
    assert f"nll    {nll['mean']:.1f}"[:9] in printed
    assert "±" in printed
    assert "nats" in printed


@pytest.mark.usefixtures("undrawn")
def test_run_on_an_idx_folder(idx_folder, tmp_path, capsys):
    words = [
        "run",
        "vae",
        *SMALL,
        "--data-dir",
        str(idx_folder),
        "--batch-size",
        "8",
        "--workdir",
        str(tmp_path / "run"),
    ]
    assert main(words) == 0
    assert "50/10/20" in capsys.readouterr().out


@pytest.mark.parametrize("likelihood", ["gaussian", "categorical"])
@pytest.mark.usefixtures("undrawn")
def test_other_likelihoods_train(likelihood, tmp_path):
    words = [*SMALL, "--likelihood", likelihood, "--binarization", "none", "--steps", "200", "--chunk", "20"]
    words += ["--evaluate-every", "200", "--save-every", "200"]
    assert (
        main(["run", "vae", *words, "--network", "conv", "--widths", "4", "8", "--workdir", str(tmp_path / "run")]) == 0
    )
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if row["split"] == "train"]
    assert losses[-1] < losses[0] - 10


@pytest.mark.usefixtures("undrawn")
def test_streamed_run_has_the_bits_of_the_resident(finished, tmp_path):
    words = ["run", "vae", *SMALL, "--seeds", "2", "--feed", "stream", "--workdir", str(tmp_path / "run")]
    assert main(words) == 0
    assert sha_of(tmp_path / "run") == sha_of(finished)


def test_evaluate_says_what_the_summary_says_and_writes_nothing(finished, capsys):
    before = snapshot(finished)
    assert main(["evaluate", str(finished)]) == 0
    assert snapshot(finished) == before
    printed = capsys.readouterr().out
    mean = json.loads((finished / "summary.json").read_text())["metrics"]["nll"]["mean"]
    assert f"{mean:.2f}" in printed
    assert "step 20" in printed
    assert main(["evaluate", str(finished), "--step", "10"]) == 0
    assert "step 10" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_resume_goes_further(finished, tmp_path, capsys):
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    assert main(["run", "vae", *SMALL, "--steps", "30", "--workdir", str(straight)]) == 0
    assert main(["run", "vae", *SMALL, "--workdir", str(stopped)]) == 0
    assert main(["resume", str(stopped), "--steps", "30"]) == 0
    assert "from step 20" in capsys.readouterr().err
    assert sha_of(stopped) == sha_of(straight)
    assert config_of(stopped)["config"]["steps"] == 30


def test_a_finished_run_stays_as_it_is(finished, capsys):
    before = snapshot(finished)
    assert main(["resume", str(finished)]) == 0
    assert "nll" in capsys.readouterr().out
    assert snapshot(finished) == before


def test_evaluate_refuses_what_was_not_trained(finished, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    config = config_of(folder)
    for field, value in (("binarization", "static"), ("network", "cov"), ("latent", 3)):
        edited = config | {"config": config["config"] | {field: value}}
        (folder / "config.json").write_text(json.dumps(edited))
        assert main(["evaluate", str(folder)]) == 2
        assert field in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_run_on_a_folder_named_relatively_is_evaluated_from_anywhere(idx_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(idx_folder.parent)
    words = ["run", "vae", *SMALL, "--data-dir", "images", "--batch-size", "8", "--workdir", "run"]
    assert main(words) == 0
    monkeypatch.chdir("/")
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    write_idx(idx_folder / "t10k-images-idx3-ubyte.gz", np.zeros((20, 9, 7), np.uint8))
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    assert "other data" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_departure_from_the_preset_is_not_compared(tmp_path, capsys):
    words = ["--preset", "paper", "--data", "digits", "--widths", "8", "--latent", "2", "--importance-samples", "2"]
    folder = tmp_path / "run"
    assert main(["run", "vae", *words, "--steps", "4", "--chunk", "2", "--workdir", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "not compared" in printed
    summary = json.loads((folder / "summary.json").read_text())
    (reference,) = summary["references"]
    assert reference["difference"] is None
    assert set(reference["departs_in"]) == {"data", "widths", "latent", "importance_samples"}
    assert summary["departs"] == {"data": "digits", "widths": [8], "latent": 2, "importance_samples": 2}


def test_a_folder_has_one_writer_and_any_number_of_readers(tmp_path):
    words = [*SMALL, "--steps", "100000", "--save-every", "20", "--evaluate-every", "100000", "--chunk", "20"]
    folder = tmp_path / "run"
    process = lectern("run", "vae", *words, "--workdir", folder)
    while not (folder / "checkpoints" / "60").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    code, _, errors = finish(lectern("resume", folder))
    assert code == 2
    assert "trained by another process" in errors
    code, _, errors = finish(lectern("evaluate", folder))
    assert code in (0, 2), errors  # 2: the step that it read was deleted under it
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 128 + signal.SIGTERM


def test_report_after_runs(finished, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["report", str(finished.parent), "--html", str(page)]) == 0
    assert "stochastic binarisation" in capsys.readouterr().out
    assert "data:image/png" in page.read_text()


def test_a_used_folder_is_not_overwritten(finished, capsys):
    before = (finished / "summary.json").read_bytes()
    assert main(["run", "vae", *SMALL, "--workdir", str(finished)]) == 2
    assert "lectern resume" in capsys.readouterr().err
    assert (finished / "summary.json").read_bytes() == before


def test_resume_refuses_other_settings_and_names_them(finished, capsys):
    before = snapshot(finished)
    assert main(["resume", str(finished), "--steps", "30", "--latent", "3", "--beta", "2"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "beta (1.0 → 2.0), latent (2 → 3)" in error
    assert snapshot(finished) == before
