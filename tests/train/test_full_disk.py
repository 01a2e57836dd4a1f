"""A full disk is said, loses nothing that was whole, and leaves nothing torn: on a small disk that really fills up."""

import logging
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_disk import Disk, NotPermitted, mount

from train.checkpoint import Checkpoints
from train.disk import DiskFull, append, is_full
from train.manifest import tree_sha256
from train.metrics import FILE, MetricsWriter, read_rows

# Orbax gives up the other writes of a step when one fails; those then call into its closed event loop
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Orbax logs every error from its own threads; where they do so at once, Python 3.11 can fail to format it."""
    caplog.set_level(logging.CRITICAL, "absl")


@pytest.fixture(autouse=True)
def within_a_minute():
    """What waits for ever for a thread that has died fails, and does not hang."""

    def give_up(*_) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def disk(tmp_path) -> Iterator[Callable[[str], Disk]]:
    """Mounts a disk by tmpfs's options; skips the test where that is not permitted."""

    def make(options: str) -> Disk:
        try:
            return mounted.enter_context(mount(tmp_path / "disk", options))
        except NotPermitted as error:
            pytest.skip(str(error))

    with ExitStack() as mounted:
        yield make


def state(step: int) -> dict:
    weights = np.random.default_rng(step).standard_normal((64, 64)).astype(np.float32)
    return {"weights": jnp.asarray(weights), "count": jnp.full(1, step), "key": jax.random.key(step)}


def save(checkpoints: Checkpoints, step: int) -> None:
    checkpoints.save(step, state(step), {"step": step})


def assert_intact(folder: Path, steps: list[int]) -> None:
    """Every listed step comes back with its values, and the newest is what a resumed run gets."""
    with Checkpoints(folder, read_only=True) as checkpoints:
        assert checkpoints.steps() == steps
        for step in [*steps, None]:
            restored = checkpoints.restore(state(0), step)
            assert not restored.damaged
            assert restored.step == (steps[-1] if step is None else step) == restored.notes["step"]
            assert tree_sha256(restored.tree) == tree_sha256(state(restored.step))


def two_saved(folder: Path) -> None:
    with Checkpoints(folder, keep=2) as checkpoints:
        for step in (1, 2):
            save(checkpoints, step)


@contextmanager
def no_thread_is_left() -> Iterator[None]:
    """A thread that outlives its work would hold up the exit of the process, by Orbax's timeouts for minutes."""
    before = set(threading.enumerate())
    yield
    assert not [thread for thread in threading.enumerate() if type(thread).__module__.startswith("orbax.")]
    left = [thread for thread in set(threading.enumerate()) - before if not thread.daemon]
    assert not [thread for thread in left if not _ends_soon(thread)]


def _ends_soon(thread: threading.Thread) -> bool:
    threading.Thread.join(thread, timeout=5)
    return not thread.is_alive()


def save_a_third(folder: Path, raised_by: str) -> None:
    with Checkpoints(folder, keep=2) as checkpoints:
        save(checkpoints, 3)
        if raised_by == "wait":
            checkpoints.wait()
        if raised_by == "save":
            save(checkpoints, 4)


def assert_full_and_then_goes_on(small: Disk, folder: Path, raised_by: str) -> None:
    with no_thread_is_left(), pytest.raises(DiskFull) as caught:
        save_a_third(folder, raised_by)
    steps = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    assert caught.value.newest == steps[-1] >= 2
    assert str(folder) in str(caught.value)
    assert f"step {steps[-1]}:" in str(caught.value)
    assert_intact(folder, steps)
    small.free()
    with Checkpoints(folder, keep=2) as checkpoints:
        for step in (3, 4):
            save(checkpoints, step)
    assert_intact(folder, [3, 4])
    assert sorted(path.name for path in folder.iterdir()) == ["3", "4"]


@pytest.mark.parametrize("raised_by", ["save", "wait", "close"])
@pytest.mark.parametrize("pages_left", [0, 1, 2, 4, 7, 10, 12, 13, 14])
def test_a_save_that_finds_no_space_is_said_and_the_step_before_is_intact(disk, pages_left, raised_by):
    small = disk("size=400k")
    folder = small.path / "checkpoints"
    two_saved(folder)
    small.fill(pages_left)
    assert_full_and_then_goes_on(small, folder, raised_by)


@pytest.mark.parametrize("files_left", [0, 1, 2, 3, 4, 6, 9, 13, 16])
def test_a_save_that_can_make_no_file_is_said_and_the_step_before_is_intact(disk, files_left):
    small = disk("size=4m,nr_inodes=200")
    folder = small.path / "checkpoints"
    two_saved(folder)
    small.fill_with_files(files_left)
    assert_full_and_then_goes_on(small, folder, "wait")


def save_and_wait(checkpoints: Checkpoints, step: int, tree: dict) -> None:
    checkpoints.save(step, tree, {})
    checkpoints.wait()


def test_a_removal_that_fails_is_said_and_the_new_step_is_kept(tmp_path):
    two_saved(tmp_path)
    (tmp_path / "deleted").touch()  # where the folder of what is to be deleted should be
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        with pytest.raises(FileExistsError):
            save_and_wait(checkpoints, 3, state(3))
        assert checkpoints.steps() == [1, 2, 3]


def test_a_save_on_a_disk_that_stays_full_is_refused_again(disk):
    small = disk("size=400k")
    folder = small.path / "checkpoints"
    two_saved(folder)
    small.fill()
    for _ in range(2):
        with pytest.raises(DiskFull):
            save_a_third(folder, "close")
        assert_intact(folder, [1, 2])


def test_what_is_kept_bounds_the_disk_of_a_long_run(disk):
    """Removed checkpoints do not pile up until the run ends."""
    folder = disk("size=400k").path / "checkpoints"
    with Checkpoints(folder, keep=2) as checkpoints:
        for step in range(1, 25):
            save(checkpoints, step)
    assert_intact(folder, [23, 24])


def test_a_folder_of_checkpoints_that_cannot_be_made_is_said(disk):
    small = disk("size=400k,nr_inodes=200")
    small.fill_with_files()
    with pytest.raises(DiskFull, match="checkpoints"):
        Checkpoints(small.path / "checkpoints")


def write_row(writer: MetricsWriter, step: int) -> None:
    writer.write(step, "train", {"loss": np.full(len(writer.seeds), 1 / step)})


def write_rows(writer: MetricsWriter, first: int, last: int) -> None:
    for step in range(first, last + 1):
        write_row(writer, step)


def steps_of(folder: Path) -> list[int]:
    return [row["step"] for row in read_rows(folder)]


def assert_whole(folder: Path) -> None:
    """Every line is a row, and every event of TensorBoard has its length."""
    text = (folder / FILE).read_text()
    assert text == "" or text.endswith("\n")
    assert len(text.splitlines()) == len(steps_of(folder))
    for path in (folder / "tensorboard").iterdir():
        raw, at = path.read_bytes(), 0
        while at < len(raw):
            (length,) = struct.unpack_from("<Q", raw, at)
            at += 16 + length
        assert at == len(raw), path


@pytest.mark.parametrize("seeds", [1, 3, 40, 200])
def test_a_row_that_finds_no_space_is_not_there_at_all(disk, seeds):
    """Whichever file fills its last page first: with few seeds the rows, with many the events."""
    small = disk("size=400k")
    with no_thread_is_left(), MetricsWriter(small.path, range(seeds)) as writer:
        small.fill(pages_left=6)
        with pytest.raises(DiskFull) as caught:
            write_rows(writer, 1, 10_000)
        written = steps_of(small.path)
        assert written == list(range(1, len(written) + 1))
        assert str(small.path) in str(caught.value)
        assert_whole(small.path)
        for _ in range(20):  # more than tensorboardX's queue holds
            with pytest.raises(DiskFull):
                write_row(writer, 10_000)
            assert_whole(small.path)
    small.free()
    with MetricsWriter(small.path, range(seeds), first_step=written[-1] // 2) as writer:
        write_rows(writer, written[-1] // 2 + 1, written[-1] + 4)
    assert steps_of(small.path) == list(range(1, written[-1] + 5))
    assert_whole(small.path)


def test_a_writer_that_finds_no_space_to_begin_leaves_the_rows_as_they_are(disk):
    small = disk("size=400k")
    with MetricsWriter(small.path, [0]) as writer:
        write_rows(writer, 1, 100)
    before = (small.path / FILE).read_bytes()
    small.fill()
    with pytest.raises(DiskFull):
        MetricsWriter(small.path, [0], first_step=90)
    assert (small.path / FILE).read_bytes() == before
    small.free()
    MetricsWriter(small.path, [0], first_step=90)
    assert steps_of(small.path) == list(range(1, 91))


def train_a_little(folder: Path, last: int) -> None:
    """What the engine does in a run: from the newest checkpoint, a row a step and a checkpoint every twentieth."""
    with Checkpoints(folder / "checkpoints", keep=2) as checkpoints:
        first = checkpoints.restore(state(0)).step if checkpoints.steps() else 0
        with MetricsWriter(folder, [0, 1], first) as writer:
            for step in range(first + 1, last + 1):
                write_row(writer, step)
                if step % 20 == 0:
                    save(checkpoints, step)


@pytest.mark.parametrize("pages_left", range(0, 37, 4))
def test_a_run_that_fills_the_disk_goes_on_when_there_is_space(disk, pages_left):
    """The disk fills up in the rows, in the events, in a save or in a removal, at the beginning or later."""
    small, last = disk("size=800k"), 200
    with no_thread_is_left():
        train_a_little(small.path, 20)
        small.fill(pages_left)
        with pytest.raises(DiskFull):
            train_a_little(small.path, last)
        assert_whole(small.path)
        written = steps_of(small.path)
        assert written == list(range(1, len(written) + 1))
        small.free()
        train_a_little(small.path, last)
    assert_whole(small.path)
    assert steps_of(small.path) == list(range(1, last + 1))
    assert_intact(small.path / "checkpoints", [last - 20, last])


def test_other_errors_stay_what_they_are(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(IsADirectoryError):
        append(tmp_path / FILE, b"row")
    with pytest.raises(OSError, match="directory"):
        MetricsWriter(tmp_path, [0])
    assert not is_full(MemoryError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes"))
