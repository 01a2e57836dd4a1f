"""Oracles of ``train/checkpoint.py``: damage is never silent, and another model's state is refused."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from saved_states import assert_is_step, notes, restore, save_all, state

from train.checkpoint import CheckpointError, Checkpoints


def files(step_folder: Path) -> list[Path]:
    return sorted(path for path in step_folder.rglob("*") if path.is_file())


def test_the_newest_intact_notes_come_back_without_their_arrays(folder):
    with Checkpoints(folder) as checkpoints:
        assert checkpoints.notes() == notes(2)
        (folder / "2" / "manifest" / "metadata").write_text("{")
        assert checkpoints.notes() == notes(1)
        (folder / "1" / "manifest" / "metadata").write_text("{")
        assert checkpoints.notes() is None


def truncated(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def emptied(raw: bytes) -> bytes:
    return b""


def flipped(raw: bytes, byte: int, bit: int) -> bytes:
    return raw[:byte] + bytes([raw[byte] ^ (1 << bit)]) + raw[byte + 1 :]


def damages(raw: bytes, flips: int) -> list[bytes]:
    places = np.linspace(0, len(raw) - 1, min(flips, len(raw)), dtype=int)
    return [truncated(raw), emptied(raw), *(flipped(raw, int(byte), int(byte) % 8) for byte in places)]


IRRELEVANT = {"_CHECKPOINT_METADATA", "commit_success.txt"}  # no data in them; Orbax does not read them in a restore
DECISIVE = {"manifest/metadata", "state/manifest.ocdbt"}


# Orbax gives up the other reads of a step when one fails; those then call into its closed event loop
abandons_reads = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@abandons_reads
def test_damage_to_any_file_falls_back_or_changes_no_bit(folder):
    """Each file of the newest checkpoint in turn, truncated, emptied, and with one bit flipped in several places."""
    fell_back = set()
    for path in files(folder / "2"):
        raw = path.read_bytes()
        for damaged in damages(raw, flips=8):
            path.write_bytes(damaged)
            restored = restore(folder)
            assert_is_step(restored, restored.step)
            assert restored.damaged.keys() == ({2} if restored.step == 1 else set()), path
            assert all(restored.damaged.values())
            if restored.step == 1:
                fell_back.add(path)
        path.write_bytes(raw)
    assert not {path for path in fell_back if path.name in IRRELEVANT}
    assert {folder / "2" / name for name in DECISIVE} <= fell_back
    largest = max(files(folder / "2"), key=lambda path: path.stat().st_size)
    assert largest in fell_back
    assert_is_step(restore(folder), 2)


@abandons_reads
def test_a_flipped_bit_anywhere_in_array_data_falls_back(folder):
    data = max(files(folder / "2"), key=lambda path: path.stat().st_size)
    raw = data.read_bytes()
    assert len(raw) >= 64 * 64 * 4 * 0.9  # random bits do not compress, so the leaf is in this file
    for byte in range(0, len(raw), 701):
        data.write_bytes(flipped(raw, byte, byte % 8))
        restored = restore(folder)
        assert_is_step(restored, 1)
        assert restored.damaged.keys() == {2}


MANIFEST_DAMAGES = {  # one flipped bit each, after which the manifest is still JSON
    "a leaf's name": ("['count']", "['count'M"),
    "a leaf's name that stays a name": ("['count']", "['counu']"),
    "a shape": ("[64, 64]", "[64, 65]"),
    "a dtype": ('"bfloat16"', '"bfloat17"'),
    "the name of a field": ("sha256", "sha257"),
    "the name of the leaves": ('"leaves"', '"leaveq"'),
    "the name of the notes": ('"notes"', '"notec"'),
    "a number in the notes": ("0.1", "0.3"),
    "a name in the notes": ("wall_seconds", "wall_secondc"),
}


@pytest.mark.parametrize("what", MANIFEST_DAMAGES)
def test_a_manifest_that_is_still_json_but_not_what_was_written_falls_back(folder, what):
    path = folder / "2" / "manifest" / "metadata"
    text = path.read_text()
    damaged = text.replace(*MANIFEST_DAMAGES[what], 1)
    assert damaged != text
    path.write_text(damaged)
    restored = restore(folder)
    assert_is_step(restored, 1)
    assert restored.damaged.keys() == {2}


@pytest.mark.parametrize("part", ["manifest", "state", "state/d", "state/ocdbt.process_0", "state/_METADATA"])
@abandons_reads
def test_a_half_deleted_step_falls_back(folder, part):
    path = folder / "2" / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    restored = restore(folder)
    assert_is_step(restored, 1)
    assert restored.damaged.keys() <= {2}


def test_a_step_of_which_only_the_folder_is_left_falls_back(folder):
    shutil.rmtree(folder / "2")
    (folder / "2").mkdir()
    assert_is_step(restore(folder), 1)


def test_what_was_to_be_deleted_is_purged_and_never_restored(folder):
    (folder / "deleted").mkdir()
    shutil.move(folder / "2", folder / "deleted" / "2")
    assert_is_step(restore(folder), 1)
    assert not (folder / "deleted").exists()


def test_an_interrupted_save_is_no_step(folder):
    shutil.copytree(folder / "2", folder / "3.orbax-checkpoint-tmp")
    with Checkpoints(folder) as checkpoints:
        assert checkpoints.steps() == [1, 2]
        assert_is_step(checkpoints.restore(state(0)), 2)


def test_several_damaged_steps_are_each_named_with_a_reason(tmp_path):
    save_all(tmp_path, [1, 2, 3])
    for step in (2, 3):
        (tmp_path / str(step) / "manifest" / "metadata").write_text("{")
    restored = restore(tmp_path)
    assert_is_step(restored, 1)
    assert restored.damaged.keys() == {2, 3}
    assert all(restored.damaged.values())


def test_none_intact_names_the_folder_and_every_step(folder):
    for step in (1, 2):
        (folder / str(step) / "manifest" / "metadata").write_text("{")
    with pytest.raises(CheckpointError) as caught:
        restore(folder)
    assert str(folder) in str(caught.value)
    assert "step 1" in str(caught.value)
    assert "step 2" in str(caught.value)


def test_none_saved_names_the_folder(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        restore(tmp_path / "empty")
    assert str(tmp_path / "empty") in str(caught.value)


def test_a_damaged_step_that_is_asked_for_is_refused(folder):
    (folder / "2" / "manifest" / "metadata").write_text("{")
    with pytest.raises(CheckpointError, match="step 2"):
        restore(folder, step=2)


def test_a_missing_step_lists_those_there(folder):
    with pytest.raises(CheckpointError, match=r"step 7 .*\[1, 2\]"):
        restore(folder, step=7)


def altered(change: Callable[[dict], None]) -> dict:
    tree = state(0)
    change(tree)
    return tree


OTHER_MODELS = {
    "shape": (altered(lambda t: t.update(count=jnp.zeros((2,), jnp.int32))), r"\['count'\]"),
    "dtype": (altered(lambda t: t.update(count=jnp.float32(0))), r"\['count'\]"),
    "narrower dtype": (altered(lambda t: t["layers"][0].rest.update(b=jnp.zeros(3, jnp.float16))), r"\['b'\]"),
    "missing leaf": (altered(lambda t: t.pop("count")), r"\['count'\]"),
    "extra leaf": (altered(lambda t: t.update(more=jnp.zeros(2))), r"\['more'\]"),
    "renamed leaf": (altered(lambda t: t.update(total=t.pop("count"))), r"\['(count|total)'\]"),
    "number of keys": (altered(lambda t: t.update(key=jax.random.key(0))), r"\['key'\]"),
}


@pytest.mark.parametrize("other", OTHER_MODELS)
def test_another_models_checkpoint_is_refused_naming_the_leaf(folder, other):
    like, leaf = OTHER_MODELS[other]
    with pytest.raises(CheckpointError, match=leaf):
        restore(folder, like)


def test_words_are_not_taken_for_keys_of_another_kind(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, {"key": jax.random.key(0, impl="rbg")}, {})
        with pytest.raises(CheckpointError, match=r"\['key'\]"):
            checkpoints.restore({"key": jax.random.key(0, impl="unsafe_rbg")})


class Payload:
    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@abandons_reads
def test_a_pickle_in_place_of_any_file_is_never_unpickled(folder, tmp_path):
    trace = tmp_path / "unpickled"
    pickled = pickle.dumps(Payload(trace))
    pickle.loads(pickled)
    assert trace.exists()
    trace.unlink()
    for path in files(folder / "2"):
        raw = path.read_bytes()
        path.write_bytes(pickled)
        restored = restore(folder)
        assert_is_step(restored, restored.step)
        path.write_bytes(raw)
    assert not trace.exists()
