import json

import pytest

from experiments.run.run_folder import (
    Config,
    RunFolderError,
    create,
    default_workdir,
    read_config,
    sole_writer,
    write_json,
)

CONFIG = Config("vae", "smoke", {"latent": 2})


def test_what_was_created_is_read(tmp_path):
    create(tmp_path / "a" / "b", CONFIG)
    assert read_config(tmp_path / "a" / "b") == CONFIG


def test_without_a_name_the_folder_has_that_of_the_time():
    assert str(default_workdir(CONFIG)).startswith("runs/vae-smoke-2")


def test_a_folder_has_one_writer_at_a_time(tmp_path):
    with sole_writer(tmp_path), pytest.raises(RunFolderError, match="another process"), sole_writer(tmp_path):
        pass
    with sole_writer(tmp_path):
        pass


def test_a_folder_with_anything_in_it_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="not an empty folder"):
        create(tmp_path, CONFIG)
    with pytest.raises(RunFolderError, match="not an empty folder"):
        create(tmp_path / "notes.txt", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


@pytest.mark.parametrize("layout", [{}, {"layout": 1}, {"layout": 999}, {"layout": "2"}])
def test_a_folder_of_another_layout_is_refused_in_one_line(tmp_path, layout):
    create(tmp_path / "run", CONFIG)
    content = json.loads((tmp_path / "run" / "config.json").read_text())
    del content["layout"]
    write_json(tmp_path / "run" / "config.json", content | layout)
    with pytest.raises(RunFolderError, match=r"made by another version of lectern.*lectern run"):
        read_config(tmp_path / "run")
