import json

import pytest

from experiments.run_folder import Config, RunFolderError, create, read_config, write_json

CONFIG = Config("vae", "smoke", {"latent": 2})


def test_what_was_created_is_read(tmp_path):
    assert read_config(create(tmp_path / "a" / "b", CONFIG)) == CONFIG


def test_without_a_name_a_folder_of_the_time_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(create(None, CONFIG)).startswith("runs/vae-smoke-2")


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
