import pytest

from experiments.run.registry import Reference, UnknownExperiment, load, nearest, read_card

FILE = '''"""A summary.

More.
"""
open({canary!r}, "w")
EXPERIMENT = Experiment(
    settings=anything.at_all,
    systems=("A1",),
    presets={{"default": {{}}, "smoke": {{"steps": 2}}}},
    references=(Reference(metric="m", value=-1.5, unit="u", source="s 2000", protocol="p", preset="default"),),
)
'''


def test_a_card_is_read_without_running_the_file(tmp_path):
    canary = tmp_path / "canary"
    (tmp_path / "name.py").write_text(FILE.format(canary=str(canary)))
    card = read_card(tmp_path / "name.py")
    assert card.name == "name"
    assert card.summary == "A summary."
    assert card.systems == ("A1",)
    assert card.presets["smoke"] == {"steps": 2}
    assert card.references == (Reference("m", -1.5, "u", "s 2000", "p", "default"),)
    assert not canary.exists()


def test_a_card_that_is_no_literal_is_refused(tmp_path):
    (tmp_path / "name.py").write_text('"""S."""\nEXPERIMENT = Experiment(systems=names(), presets={})\n')
    with pytest.raises(ValueError, match="malformed node"):
        read_card(tmp_path / "name.py")


def test_an_unknown_name_says_which_are_near():
    with pytest.raises(UnknownExperiment, match="did you mean vae"):
        load("vaee")
    assert nearest("xyz", ["abc", "def"]) == "there are: abc, def"


@pytest.mark.parametrize("name", ["os", "../cli", "experiments.cli", "latent_figures"])
def test_only_experiments_are_imported(name):
    with pytest.raises(UnknownExperiment):
        load(name)
