"""Harm done to whole runs: killed, told to stop, driven to infinity, left without disk. Nothing may be lost."""

import random
import signal
import time

import pytest
from command import finish, lectern, sha_of, trained_steps
from small_disk import NotPermitted, mount

SECONDS_TO_STOP = 10
SMALL = ["mlp", "--preset", "smoke", "--widths", "16", "--dropout", "0.2"]  # every example draws its own noise

# Twenty-one kills in all.
RUNS = {
    "dense": ["vae", "--steps", "2000", "--save-every", "100"],
    "convolutional": ["vae", "--preset", "conv", "--widths", "4", "8", "--steps", "600", "--save-every", "20"],
    "ensemble": ["vae", "--seeds", "3", "--steps", "700", "--save-every", "50"],
}
KILLS = 7


def wait_for(process, path, seconds=120):
    until = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.01)


def kill_and_resume(folder, words, seconds, after="config.json"):
    """Starts a run, kills it ``seconds`` after a file appeared, resumes it, and says whether it was cut."""
    process = lectern("run", *words, "--workdir", folder)
    wait_for(process, folder / after)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    cut = not (folder / "summary.json").exists()
    code, _, errors = finish(lectern("resume", folder))
    assert code == 0, errors
    return cut


def stop_and_resume(folder, words, number, seconds):
    """Starts a run, signals it ``seconds`` after its config appeared, resumes it; the exit status and its delay."""
    process = lectern("run", *words, "--workdir", folder)
    wait_for(process, folder / "config.json")
    time.sleep(seconds)
    process.send_signal(number)
    signalled = time.monotonic()
    code, _, errors = finish(process)
    delay = time.monotonic() - signalled
    if code:
        assert "lectern resume" in errors
        assert finish(lectern("resume", folder))[0] == 0
    return code, delay


def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    words = [*SMALL, "--steps", "1200", "--chunk", "20", "--save-every", "200"]
    assert finish(lectern("run", *words, "--workdir", tmp_path / "whole"))[0] == 0
    assert kill_and_resume(tmp_path / "killed", words, 0.0, after="checkpoints/200")
    assert sha_of(tmp_path / "killed") == sha_of(tmp_path / "whole")
    assert trained_steps(tmp_path / "killed") == list(range(10, 1201, 10))  # evaluated at every tenth step


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_how_to_go_on(number, tmp_path):
    words = [*SMALL, "--steps", "100000", "--save-every", "100000", "--evaluate-every", "100000", "--chunk", "20"]
    process = lectern("run", *words, "--workdir", tmp_path / "run")
    wait_for(process, tmp_path / "run" / "metrics.jsonl")
    while not trained_steps(tmp_path / "run"):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    code, _, errors = finish(process)
    assert code == 128 + number
    assert number.name in errors
    assert f"lectern resume {tmp_path / 'run'}" in errors
    saved = max(int(p.name) for p in (tmp_path / "run" / "checkpoints").iterdir() if p.name.isdigit())
    assert saved == trained_steps(tmp_path / "run")[-1] > 0


def test_a_run_that_diverges_says_where_and_keeps_the_last_finite_state(tmp_path):
    words = [*SMALL, "--optimizer", "sgd", "--learning-rate", "1e30"]
    code, _, errors = finish(lectern("run", *words, "--workdir", tmp_path / "run"))
    assert code == 3
    assert "is not finite at step" in errors
    assert "the last finite checkpoint, step 0, is kept in" in errors
    assert (tmp_path / "run" / "checkpoints" / "0").is_dir()


@pytest.fixture
def small_disk(tmp_path):
    try:
        with mount(tmp_path / "disk", "size=16m") as disk:
            yield disk
    except NotPermitted as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("pages_left", [60, 300])
def test_a_full_disk_is_named_and_nothing_is_lost(small_disk, pages_left):
    """With room for less than one checkpoint beside the first, or for about two."""
    workdir = small_disk.path / "run"
    small_disk.fill(pages_left=pages_left)
    words = [*SMALL, "--widths", "256", "64", "--steps", "200", "--chunk", "10", "--save-every", "10"]
    code, _, errors = finish(lectern("run", *words, "--workdir", workdir))
    assert code == 1
    assert "Traceback" not in errors
    said = errors.splitlines()[-1]
    assert said.startswith(f"lectern: the disk of {workdir}")
    assert f"lectern resume {workdir}" in said
    small_disk.free()
    code, _, errors = finish(lectern("resume", workdir))
    assert code == 0, errors
    assert trained_steps(workdir) == list(range(10, 201, 10))


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_kills_at_random_moments_lose_nothing(kind, tmp_path):
    words = [*RUNS[kind], "--importance-samples", "10"]
    started = time.perf_counter()
    assert finish(lectern("run", *words, "--workdir", tmp_path / "whole"))[0] == 0
    length = time.perf_counter() - started
    whole = sha_of(tmp_path / "whole"), trained_steps(tmp_path / "whole")
    moments, cut = random.Random(kind), 0
    for number in range(KILLS):
        folder = tmp_path / f"killed-{number}"
        cut += kill_and_resume(folder, words, moments.uniform(0.0, 0.5 * length))
        assert (sha_of(folder), trained_steps(folder)) == whole, number
    assert cut >= KILLS // 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_at_random_moments_save_within_seconds_and_lose_nothing(number, tmp_path):
    words = [*RUNS["dense"], "--importance-samples", "10"]
    started = time.perf_counter()
    assert finish(lectern("run", *words, "--workdir", tmp_path / "whole"))[0] == 0
    length = time.perf_counter() - started
    whole = sha_of(tmp_path / "whole"), trained_steps(tmp_path / "whole")
    moments, stopped = random.Random(number), 0
    for attempt in range(8):
        folder = tmp_path / f"stopped-{attempt}"
        code, delay = stop_and_resume(folder, words, number, moments.uniform(0.0, 0.5 * length))
        assert code in (0, 128 + number)
        assert delay < SECONDS_TO_STOP
        assert (sha_of(folder), trained_steps(folder)) == whole, attempt
        stopped += code != 0
    assert stopped >= 4
