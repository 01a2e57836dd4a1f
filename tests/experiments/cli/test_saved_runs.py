"""The commands on a saved run, as they are typed."""

import json
from importlib.metadata import version

import numpy as np
import pytest
from PIL import Image
from whole_runs import smoke_run

from experiments.cli.main import main


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return smoke_run("mlp", tmp_path_factory.mktemp("mlp") / "run", widths=(8,), save_every=1)


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"lectern {version('lectern')}\n"


def test_figures_of_a_saved_step_stand_beside_those_of_the_last(classifier, capsys):
    before = {path.name: path.read_bytes() for path in (classifier / "figures").glob("*.png")}
    assert main(["draw", str(classifier), "--step", "1"]) == 0
    assert capsys.readouterr().out == f"figures  {classifier / 'figures' / 'step-1'}\n"
    other = {path.name: path.read_bytes() for path in (classifier / "figures" / "step-1").iterdir()}
    assert other.keys() == before.keys()
    assert other["confusion.png"] != before["confusion.png"]
    for path in (classifier / "figures").glob("*.png"):
        path.unlink()
    assert main(["draw", str(classifier)]) == 0
    assert {path.name: path.read_bytes() for path in (classifier / "figures").glob("*.png")} == before


def test_figures_of_all_seeds_are_drawn_but_where_one_is_asked_for(tmp_path, capsys):
    folder = smoke_run("mlp", tmp_path / "run", widths=(8,), seeds=2)
    figure = folder / "figures" / "averaging.png"
    before = figure.read_bytes()
    figure.unlink()
    assert main(["draw", str(folder), "--of-seed", "1"]) == 0
    assert not figure.exists()
    assert main(["draw", str(folder)]) == 0
    assert figure.read_bytes() == before


def test_pictures_are_classified_in_a_table_or_as_json(classifier, tmp_path, capsys):
    files = []
    for size in (8, 20):
        files.append(str(tmp_path / f"{size}.png"))
        Image.fromarray(np.full((size, size), 100, np.uint8)).save(files[-1])
    assert main(["predict", str(classifier), *files]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(files[0])
    assert first.endswith("%")
    assert second.endswith("resized from 20×20 to 8×8")
    assert main(["predict", str(classifier), *files, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == files
    assert all(row["label"] == np.argmax(row["probabilities"]) for row in rows)
    assert main(["predict", str(classifier), "nowhere.png"]) == 2
    assert "nowhere.png: no such file: give" in capsys.readouterr().err


def test_an_exported_model_has_its_card(classifier, tmp_path, capsys):
    assert main(["export", str(classifier), "--to", str(tmp_path / "model"), "--step", "1"]) == 0
    assert capsys.readouterr().out == f"model  {tmp_path / 'model'}\n"
    written = {path.name for path in (tmp_path / "model").iterdir()}
    assert written == {"README.md", "forward.stablehlo", "keys.json", "weights.safetensors"}
    assert "of seed 0 at step 1\n" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sample"], "which run?"),
        (["resume"], "which run?"),
        (["sample", "nowhere"], "holds no run"),
        (["draw", "nowhere"], "holds no run"),
        (["export", "nowhere", "--to", "out"], "holds no run"),
        (["predict", "nowhere", "a.png"], "holds no run"),
        (["run", "mlp", "--seed", "2147483647", "--seeds", "2"], "--seed 2147483647 and --seeds 2 go beyond"),
        (["run", "mlp", "--devices", "64", "--batch-size", "64"], "--devices 1 trains on one"),
    ],
)
def test_what_cannot_be_is_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
