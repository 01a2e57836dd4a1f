import sys

import pytest

from experiments.run import registry
from experiments.run.registry import MalformedExperiment, UnknownExperiment, assigned, folders, load, nearest


def make_card(root, family, name):
    folder = root / family / name
    folder.mkdir(parents=True)
    (folder / "card.py").write_text("")


def test_every_folder_with_a_card_is_an_experiment(tmp_path):
    make_card(tmp_path, "vision", "detector")
    make_card(tmp_path, "text", "translator")
    (tmp_path / "text" / "notes").mkdir()
    assert folders(tmp_path) == {
        "translator": tmp_path / "text" / "translator",
        "detector": tmp_path / "vision" / "detector",
    }


def test_two_families_cannot_hold_experiments_of_one_name(tmp_path):
    make_card(tmp_path, "vision", "classifier")
    make_card(tmp_path, "text", "classifier")
    with pytest.raises(MalformedExperiment, match=r"two experiments are named classifier.*rename one"):
        folders(tmp_path)


def test_a_mistyped_assignment_is_an_error():
    with pytest.raises(MalformedExperiment, match="assigns no EXPERIMNT"):
        assigned(registry, "EXPERIMNT")


def test_an_unknown_name_says_which_are_near():
    with pytest.raises(UnknownExperiment, match="did you mean vae"):
        load("vaee")
    assert nearest("xyz", ["abc", "def"]) == "there are: abc, def"


@pytest.mark.parametrize("name", ["os", "../cli", "experiments.cli", "datasets", "card"])
def test_only_experiments_are_imported(name):
    before = set(sys.modules)
    with pytest.raises(UnknownExperiment):
        load(name)
    assert set(sys.modules) == before
