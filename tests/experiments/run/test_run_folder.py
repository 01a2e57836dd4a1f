import json
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from run_folders import OTHER_THAN_OBJECTS

from experiments.run.run_folder import (
    Config,
    Origin,
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


@pytest.mark.parametrize(("text", "holds"), OTHER_THAN_OBJECTS)
@pytest.mark.parametrize("part", ["it", "its config", "its from"])
def test_what_should_be_an_object_and_is_not_is_told_in_words_of_json(tmp_path, part, text, holds):
    create(tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    part_of = json.loads(path.read_text()) | {part.removeprefix("its "): json.loads(text)}
    path.write_text(text if part == "it" else json.dumps(part_of))
    with pytest.raises(RunFolderError) as refused:
        read_config(tmp_path / "run")
    assert f"{path} is damaged: {part} should hold a JSON object ({{…}}), and holds {holds}" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"experiment": None}, "its experiment should hold a text, and holds null"),
        ({"preset": ["smoke"]}, "its preset should hold a text, and holds a list"),
        ({"from": {}}, "it has no 'workdir'"),
        ({"from": {"workdir": 3}}, "its from.workdir should hold a text, and holds a number"),
        ({"from": {"workdir": "a", "step": "3"}}, "its from.step should hold a number, and holds a text"),
        ({"from": {"workdir": "a", "frozen": "params"}}, "its from.frozen should hold a list"),
        ({"from": {"workdir": "a", "frozen": [None]}}, "its from.frozen should hold a text, and holds null"),
    ],
)
def test_parts_of_a_config_of_another_kind_are_named(tmp_path, change, said):
    create(tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    write_json(path, json.loads(path.read_text()) | change)
    with pytest.raises(RunFolderError, match=re.escape(f"{path} is damaged: {said}")):
        read_config(tmp_path / "run")


def test_where_a_run_starts_is_read_as_it_was_written(tmp_path):
    for origin in (Origin("a", 3), Origin("b", 3, ("params/head", "batch_stats")), Origin("c", None, (), "5a")):
        create(tmp_path / origin.workdir, CONFIG._replace(origin=origin))
        assert read_config(tmp_path / origin.workdir).origin == origin


DAMAGED = [b"{", b"", b'"\xff"', b"[" * 100_000, *(text.encode() for text, _ in OTHER_THAN_OBJECTS)]
DAMAGED += [b"{}", b'{"config": {}}', b'{"config": null, "metrics": {}}', b'{"config": {}, "metrics": [1]}']


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
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
