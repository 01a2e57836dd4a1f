"""What goes wrong around a run: each costs one clear line, and no result is lost."""

import json
import logging
import shutil
import signal
import time

import jax
import pytest
from command import config_of, finish, lectern, rows_of, sha_of, trained_steps

from experiments.cli.main import main

SMALL = ["mlp", "--preset", "smoke", "--widths", "8", "--steps", "20"]
SMALL_VAE = ["vae", "--preset", "smoke", "--widths", "8", "--latent", "2", "--steps", "20"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert main(["run", *SMALL, "--workdir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def finished_vae(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert main(["run", *SMALL_VAE, "--workdir", str(folder)]) == 0
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def unfinished(copy):
    """As a kill after the last checkpoint leaves it."""
    (copy / "summary.json").unlink()
    return copy


def test_figures_that_fail_cost_a_line_and_never_the_result(unfinished, finished, capsys):
    shutil.rmtree(unfinished / "figures")
    (unfinished / "figures").write_text("no folder")
    assert main(["resume", str(unfinished)]) == 0
    printed = capsys.readouterr()
    assert f"({unfinished / 'figures'} is a file where a folder is to be: move it away" in printed.err
    assert f"the result is in {unfinished / 'summary.json'}; `lectern draw {unfinished}`" in printed.err
    assert "Traceback" not in printed.err
    assert "\nfigures  " not in printed.out, "where none were drawn none are named"
    assert "error" in printed.out
    assert sha_of(unfinished) == sha_of(finished)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 14.6 TiB for an array with shape (2, 1000000, 1000000)"),
        jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 16056320000 bytes.\nBuffers: …"),
    ],
)
def test_no_memory_left_is_a_line(error, monkeypatch, tmp_path, capsys):
    def too_much(*arguments, **options):
        raise error

    monkeypatch.setattr("experiments.run.run.prepare", too_much)
    monkeypatch.setattr("experiments.cli.training.prepare", too_much, raising=False)
    assert main(["run", *SMALL, "--workdir", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"lectern: out of memory ({str(error).splitlines()[0]}): take fewer or smaller arrays")
    assert said.count("\n") == 1


def without_orbax_metadata(folder):
    """Of which Orbax warns at every look, and which nothing needs."""
    for path in folder.glob("checkpoints/*/_CHECKPOINT_METADATA"):
        path.unlink()
    return folder


@pytest.mark.parametrize("words", [["evaluate"], ["draw"], ["export", "--to"], ["sample"], ["resume", "--steps", "30"]])
def test_what_libraries_log_does_not_reach_the_terminal(words, finished, finished_vae, tmp_path, caplog):
    folder = without_orbax_metadata(
        shutil.copytree(finished_vae if words == ["sample"] else finished, tmp_path / "run")
    )
    for name in ("absl", "matplotlib"):
        caplog.set_level(logging.WARNING, name)
    command, *options = words
    options += [str(tmp_path / "exported")] if options == ["--to"] else []
    assert main([command, str(folder), *options]) == 0
    assert not caplog.records


def test_a_process_says_only_what_is_ours(copy, monkeypatch, tmp_path):
    """Where no cache can be kept either, which JAX and Matplotlib warn of."""
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    code, output, errors = finish(lectern("evaluate", without_orbax_metadata(copy)))
    assert code == 0, errors
    assert "test error" in output
    assert [line for line in errors.splitlines() if not line.startswith("mlp test  ")] == []


def test_warnings_of_the_device_and_our_own_are_still_said(capsys):
    assert main(["list"]) == 0
    for name in ("jax._src.xla_bridge", "experiments", "train"):
        assert logging.getLogger(name).isEnabledFor(logging.WARNING), name
    assert logging.getLogger("absl").isEnabledFor(logging.CRITICAL)


def edit(folder, **fields):
    (folder / "config.json").write_text(json.dumps(config_of(folder) | fields))


@pytest.mark.parametrize("command", ["resume", "evaluate"])
def test_a_preset_that_was_never_there_is_refused(command, copy, capsys):
    edit(copy, preset="smok")
    assert main([command, str(copy)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "mlp has no preset 'smok'; did you mean smoke?" in error


def test_a_run_of_a_preset_that_is_renamed_goes_on_without_its_references(unfinished, monkeypatch, capsys):
    from experiments.run.card import Card

    presets = Card.all_presets.fget
    renamed = property(lambda card: {name.replace("smoke", "tiny"): each for name, each in presets(card).items()})
    monkeypatch.setattr(Card, "all_presets", renamed)
    assert main(["resume", str(unfinished)]) == 0
    assert "mlp has no preset 'smoke' any more" in capsys.readouterr().err
    assert json.loads((unfinished / "summary.json").read_text())["references"] == []


@pytest.mark.parametrize(("field", "value"), [("steps", 1e3), ("seed", True), ("widths", 8), ("activation", None)])
def test_a_config_of_another_type_names_the_field(field, value, copy, capsys):
    edit(copy, config=config_of(copy)["config"] | {field: value})
    assert main(["resume", str(copy)]) == 2
    assert f"the saved {field} cannot be {value!r}" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", "{}", '{"steps": 20, "config": null}', "null"])
def test_a_summary_that_is_none_is_made_again(content, copy, finished):
    (copy / "summary.json").write_text(content)
    assert main(["resume", str(copy)]) == 0
    assert sha_of(copy) == sha_of(finished)


def test_rows_that_are_lost_are_said(unfinished, capsys):
    path = unfinished / "metrics.jsonl"
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join([whole[0], "null\n", *whole[2:]]))
    assert main(["resume", str(unfinished), "--steps", "30"]) == 0
    assert "damaged in line 2: left out" in capsys.readouterr().err
    assert rows_of(unfinished)[0] == json.loads(whole[0])
    path.unlink()
    assert main(["resume", str(unfinished), "--steps", "40"]) == 0
    assert "ends at step 0: the rows up to step 30 are lost" in capsys.readouterr().err


def test_flags_that_change_bits_are_refused_on_resume(copy, capsys):
    with jax.threefry_partitionable(not jax.config.jax_threefry_partitionable):
        assert main(["resume", str(copy), "--steps", "30"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "with JAX_THREEFRY_PARTITIONABLE=True, not False" in error


@pytest.mark.parametrize("command", ["run", "resume", "sweep"])
def test_strict_promotion_is_refused(command, copy, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAX_NUMPY_DTYPE_PROMOTION", "strict")
    new = [*SMALL, "--workdir", str(tmp_path / "new")]
    words = {"run": new, "resume": [str(copy), "--steps", "30"], "sweep": [*new, "--learning-rate", "0.1", "0.2"]}
    assert main([command, *words[command]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "JAX_NUMPY_DTYPE_PROMOTION=strict" in line
    assert not (tmp_path / "new").exists()


def test_another_source_is_said(copy, monkeypatch, capsys):
    monkeypatch.setattr("experiments.run.provenance.commit", lambda: "abc1234")
    assert main(["resume", str(copy), "--steps", "30"]) == 0
    assert "now abc1234" in capsys.readouterr().err


def test_what_only_the_evaluation_reads_may_change_and_is_said(finished_vae, tmp_path, capsys):
    folder = shutil.copytree(finished_vae, tmp_path / "run")
    assert main(["evaluate", str(folder), "--importance-samples", "3"]) == 0
    assert "importance_samples 3, not 10" in capsys.readouterr().out
    assert main(["resume", str(folder), "--importance-samples", "3"]) == 0
    assert "importance_samples 3, not 10" in capsys.readouterr().err
    assert sha_of(folder) == sha_of(finished_vae)
    metrics = [json.loads((each / "summary.json").read_text())["metrics"] for each in (folder, finished_vae)]
    assert metrics[0]["nll"] != metrics[1]["nll"]
    assert metrics[0]["kl"] == metrics[1]["kl"]
    assert main(["evaluate", str(folder), "--steps", "30"]) == 2
    assert "steps (20 → 30)" in capsys.readouterr().err


def test_help_of_resume_lists_what_may_change(finished_vae, capsys):
    assert main(["resume", str(finished_vae), "--help"]) == 0
    printed = capsys.readouterr().out
    for flag in ("--steps (is 20)", "--importance-samples (is 10)", "--devices (is 1)", "--data-dir (is None)"):
        assert flag in printed
    assert "--latent" not in printed
    assert main(["resume", "--help"]) == 0
    assert "--importance-samples" in capsys.readouterr().out


def test_with_patience_the_measured_step_is_the_best_one(tmp_path, capsys):
    words = [*SMALL, "--patience", "2", "--evaluate-every", "4", "--steps", "40", "--learning-rate", "0.5"]
    assert main(["run", *words, "--workdir", str(tmp_path / "run")]) == 0
    assert "measured are the parameters that did best" in capsys.readouterr().out
    rows = [row["error"] for row in rows_of(tmp_path / "run") if row["split"] == "valid"]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    best = 4 * (1 + rows.index(min(rows)))
    assert summary["measured_steps"] == [best]
    assert summary["steps"] > best
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert f"step {best}" in capsys.readouterr().out


def test_a_folder_that_goes_while_it_is_trained_is_named(tmp_path):
    words = [*SMALL, "--steps", "100000", "--chunk", "20", "--evaluate-every", "100000", "--save-every", "100000"]
    folder = tmp_path / "run"
    process = lectern("run", *words, "--workdir", folder)
    while not trained_steps(folder):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    folder.rename(tmp_path / "gone")  # at once, as no deletion beside a writer is
    code, _, errors = finish(process)
    assert code == 1
    assert "Traceback" not in errors
    assert f"{folder} cannot be used any more (No such file or directory)" in errors


def test_three_runs_that_start_together_have_folders_of_their_own(tmp_path):
    processes = [lectern("run", *SMALL, "--preset", "nope", cwd=tmp_path) for _ in range(3)]
    assert [finish(process)[0] for process in processes] == [2, 2, 2]
    assert list(tmp_path.iterdir()) == []
    processes = [lectern("run", *SMALL, cwd=tmp_path) for _ in range(3)]
    assert [finish(process)[0] for process in processes] == [0, 0, 0]
    assert len([*(tmp_path / "runs").glob("*/summary.json")]) == 3


def test_a_signal_during_the_evaluation_is_answered(tmp_path):
    """Of a run whose evaluation alone takes minutes."""
    words = [*SMALL_VAE, "--widths", "256", "256", "--importance-samples", "100000"]
    process = lectern("run", *words, "--workdir", tmp_path / "run")
    while not (tmp_path / "run" / "checkpoints" / "20").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    signalled = time.monotonic()
    code, _, errors = finish(process)
    assert code == 128 + signal.SIGTERM, errors
    assert time.monotonic() - signalled < 20  # one batch, and the end of a process on a busy machine
    assert "lectern resume" in errors
