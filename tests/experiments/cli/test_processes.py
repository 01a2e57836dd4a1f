"""Two processes train as one: the same loss as one process, a signal to either saves both, a death stops the other."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from command import ROOT, rows_of

SECONDS_TO_STOP = 30
DROPPED_OUT = ["run", "mlp", "--preset", "smoke", "--dropout", "0.2"]  # every example draws its own noise


def start(words, workdir, processes=2):
    """``lectern`` in as many processes, each with its output in a file beside the run folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "1", "PYTHONPATH": str(ROOT)}
    started = []
    for number in range(processes):
        together = ["--coordinator", f"127.0.0.1:{port}", "--processes", str(processes), "--process-id", str(number)]
        output = workdir.with_name(f"{workdir.name}-{words[0]}-{number}.log")
        with output.open("w") as file:
            command = [sys.executable, "-m", "experiments.cli", *words, *together]
            started.append(subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment))
    return started


def said(workdir, command, number):
    return workdir.with_name(f"{workdir.name}-{command}-{number}.log").read_text()


def statuses(processes, seconds=120):
    try:
        return [process.wait(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()


def when_trained_to(workdir, step):
    """Returns when the run has written a row at or after ``step``."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        rows = rows_of(workdir)
        if rows and rows[-1]["step"] >= step:
            return
        time.sleep(0.05)
    raise AssertionError(f"{workdir} did not come to step {step}")


def assert_same_rows(rows, others):
    """Exact places, and values to float32's rounding over few steps: the halves of a batch are summed apart."""
    assert [(row["step"], row["split"]) for row in rows] == [(row["step"], row["split"]) for row in others]
    for row, other in zip(rows, others, strict=True):
        assert row.pop("split") == other["split"]
        assert row == pytest.approx({name: value for name, value in other.items() if name != "split"}, rel=1e-4)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Twenty steps in one process."""
    workdir = tmp_path_factory.mktemp("alone") / "run"
    words = [sys.executable, "-m", "experiments.cli", *DROPPED_OUT, "--workdir", str(workdir)]
    subprocess.run(words, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    return workdir


@pytest.mark.parametrize("options", [[], ["--feed", "stream"], ["--shard", "parameters"]], ids=" ".join)
def test_two_processes_have_the_loss_of_one(options, alone, tmp_path):
    run = start([*DROPPED_OUT, "--workdir", str(tmp_path / "run"), *options], tmp_path / "run")
    assert statuses(run) == [0, 0]
    assert_same_rows(rows_of(tmp_path / "run"), rows_of(alone))
    assert "test error" in said(tmp_path / "run", "run", 0)
    assert "test error" not in said(tmp_path / "run", "run", 1)
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (tmp_path / "run", alone)]
    assert summaries[0]["metrics"]["loss"]["mean"] == pytest.approx(summaries[1]["metrics"]["loss"]["mean"], rel=1e-4)
    assert {path.name for path in (tmp_path / "run" / "figures").iterdir()} >= {"confusion.png", "learning_curves.png"}


LONG = ["--steps", "100000", "--chunk", "20", "--evaluate-every", "1000", "--save-every", "200"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_sigterm_to_either_saves_both_and_both_resume(number, tmp_path):
    workdir = tmp_path / "run"
    run = start(["run", "vae", "--preset", "smoke", *LONG, "--workdir", str(workdir)], workdir)
    when_trained_to(workdir, 100)
    run[number].send_signal(signal.SIGTERM)
    assert statuses(run, SECONDS_TO_STOP) == [128 + signal.SIGTERM] * 2
    for process in (0, 1):
        assert "stopped by SIGTERM at step" in said(workdir, "run", process)
    step = rows_of(workdir)[-1]["step"]
    resumed = start(["resume", str(workdir), "--steps", str(step + 40)], workdir)
    assert statuses(resumed) == [0, 0]
    assert f"from step {step:,}" in said(workdir, "resume", 0)
    steps = [row["step"] for row in rows_of(workdir) if row["split"] == "train"]
    assert steps == sorted(set(steps))
    assert steps[-1] == step + 40


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_the_death_of_either_stops_the_other_and_both_resume(number, tmp_path):
    workdir = tmp_path / "run"
    run = start(["run", "vae", "--preset", "smoke", *LONG, "--workdir", str(workdir)], workdir)
    when_trained_to(workdir, 300)
    run[number].kill()
    killed, other = statuses([run[number], run[1 - number]], SECONDS_TO_STOP)
    assert killed == -signal.SIGKILL
    assert other == 1
    assert "another process of this run has ended: go on with" in said(workdir, "run", 1 - number)
    resumed = start(["resume", str(workdir), "--steps", "100020"], workdir)
    when_trained_to(workdir, 400)
    resumed[0].send_signal(signal.SIGTERM)
    assert statuses(resumed, SECONDS_TO_STOP) == [128 + signal.SIGTERM] * 2
    rows = [row["step"] for row in rows_of(workdir) if row["split"] == "train"]
    assert rows == list(range(20, rows[-1] + 1, 20))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--coordinator", "127.0.0.1:1"], "--coordinator, --processes and --process-id go together"),
        (["--coordinator", "127.0.0.1:1", "--processes", "2", "--process-id", "0"], "name it, the same in each"),
        (["--devices", "3"], "--batch-size over --accumulate is 128: it must be a multiple of --devices 3"),
        (["--devices", "2", "--shard", "seeds", "--seeds", "3"], "--seeds is 3: it must be a multiple of --devices 2"),
        (["--devices", "64"], "--devices 64, but there are"),
    ],
)
def test_what_does_not_go_together_is_one_line(words, complaint, tmp_path, monkeypatch, capsys):
    from experiments.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert main(["run", "vae", "--preset", "smoke", *words]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
