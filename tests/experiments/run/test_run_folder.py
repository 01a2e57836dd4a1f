import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from experiments.run.run_folder import (
    Config,
    RunFolderError,
    check_new,
    check_present,
    claim_default,
    created,
    read_config,
    read_summary,
    sole_writer,
    write_json,
)

CONFIG = Config("vae", "smoke", {"latent": 2})


def create(folder, config=CONFIG):
    with created(folder, config):
        pass


def test_what_was_created_is_read(tmp_path):
    create(tmp_path / "a" / "b")
    assert read_config(tmp_path / "a" / "b") == CONFIG


def test_folders_without_a_name_have_that_of_the_time_and_never_meet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    barrier = Barrier(8)

    def claim(_):
        barrier.wait()
        return claim_default("deep_belief_net", "smoke")

    with ThreadPoolExecutor(8) as threads:
        folders = list(threads.map(claim, range(8)))
    assert len(set(folders)) == 8
    assert all(str(folder).startswith("runs/deep_belief_net-smoke-2") and folder.is_dir() for folder in folders)


def test_of_several_processes_that_create_a_folder_one_gets_it(tmp_path):
    """Each opens the folder by itself, as a process would; a file lock belongs to what was opened."""
    racers = 4
    for attempt in range(25):
        folder, start, end = tmp_path / str(attempt), Barrier(racers), Barrier(racers)

        def race(number, folder=folder, start=start, end=end):
            start.wait()
            try:
                with created(folder, Config("vae", "smoke", {"latent": number})):
                    end.wait()
                    return True
            except RunFolderError:
                end.wait()
                return False

        with ThreadPoolExecutor(racers) as threads:
            won = list(threads.map(race, range(racers)))
        assert won.count(True) == 1
        assert read_config(folder).settings == {"latent": won.index(True)}


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path):
    create(tmp_path / "run")
    check_present(tmp_path / "run")
    (tmp_path / "run" / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="run"):
        check_present(tmp_path / "run")


def test_a_config_that_a_kill_left_unfinished_is_no_run(tmp_path):
    (tmp_path / "config.json.part").write_text('{"experi')
    check_new(tmp_path)
    create(tmp_path)
    assert read_config(tmp_path) == CONFIG
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("content", [b"[1]", b"null", b'"\xff"', b"{", b""])
def test_a_damaged_summary_is_none(tmp_path, content):
    (tmp_path / "summary.json").write_bytes(content)
    assert read_summary(tmp_path) is None


def test_a_folder_has_one_writer_at_a_time(tmp_path):
    with sole_writer(tmp_path), pytest.raises(RunFolderError, match="another process"), sole_writer(tmp_path):
        pass
    with sole_writer(tmp_path):
        pass


def test_a_folder_with_anything_in_it_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="not an empty folder"):
        create(tmp_path)
    with pytest.raises(RunFolderError, match="not an empty folder"):
        create(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


@pytest.mark.parametrize("layout", [{}, {"layout": 1}, {"layout": 999}, {"layout": "2"}])
def test_a_folder_of_another_layout_is_refused_in_one_line(tmp_path, layout):
    create(tmp_path / "run")
    content = json.loads((tmp_path / "run" / "config.json").read_text())
    del content["layout"]
    write_json(tmp_path / "run" / "config.json", content | layout)
    with pytest.raises(RunFolderError, match=r"made by another version of lectern.*lectern run"):
        read_config(tmp_path / "run")
