"""What every card and all settings promise; nothing is trained here."""

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from experiments.cli.main import main
from experiments.cli.parser import command_flags
from experiments.run.bibliography import BIBLIOGRAPHY
from experiments.run.registry import entries, folders, load
from experiments.run.settings import configure, flat_fields, flatten, groups

ENTRIES = {entry.name: entry for entry in entries()}
EVERY = pytest.mark.parametrize("name", ENTRIES)
DOCS = Path(__file__).parents[2] / "docs"
CATALOGUE = DOCS / "catalogue.md"


def test_cards_are_read_with_the_standard_library_alone():
    """In a process of its own: each card's module, and all that it imports."""
    families = [f"experiments.{entry.family}.{entry.name}.card" for entry in ENTRIES.values()]
    code = f"import sys; import {', '.join(families)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - sys.stdlib_module_names <= {"experiments", "__mp_main__", *site_modules()}


def site_modules():
    """What Python itself loads at its start here, such as finders of installed packages."""
    code = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


@EVERY
def test_its_presets_are_settings_whose_fields_have_an_effect(name):
    experiment = load(name)
    assert experiment.card is ENTRIES[name].card
    for preset in experiment.card.all_presets.values():
        settings = configure(experiment.settings(), preset)
        changed = {field for field, value in preset.items() if value != flatten(experiment.settings())[field]}
        assert not changed & settings.idle().keys()


@EVERY
def test_its_references_are_measured_and_cited(name):
    experiment = load(name)
    for reference in experiment.card.references:
        assert reference.preset in experiment.card.all_presets
        settings = configure(experiment.settings(), experiment.card.all_presets[reference.preset])
        assert reference.unit == experiment.units_of(settings)[reference.metric]
        assert reference.cite in BIBLIOGRAPHY


def test_its_systems_are_in_the_catalogue():
    known = set(re.findall(r"^\| ([A-Z]\d+) ", CATALOGUE.read_text(), re.MULTILINE))
    for entry in entries():
        assert set(entry.card.systems) <= known, entry.name


@EVERY
def test_its_units_are_words_whatever_is_chosen(name):
    """A unit is read after a number: "0.18 RMSE per pixel"; "0.18 of [0, 1]" does not say what was measured."""
    experiment = load(name)
    for settings in every_choice(experiment):
        for metric, unit in experiment.units_of(settings).items():
            assert re.fullmatch(r"|%|(?!(of|in|at)\b)[A-Za-z][A-Za-z0-9 -]*", unit), (metric, unit)


def every_choice(experiment):
    """The default settings, and those with one of the named choices made otherwise, where that makes sense."""
    default = experiment.settings()
    yield default
    for field in flat_fields(type(default)):
        for choice in get_args(field.hint) if get_origin(field.hint) is Literal else ():
            with suppress(ValueError):
                yield configure(default, {field.name: choice})


@EVERY
def test_its_description_begins_with_a_sentence(name):
    assert ENTRIES[name].summary.endswith(".")


@EVERY
def test_flags_are_told_apart_from_each_other_and_from_the_commands_own(name):
    names = Counter(field.name for field in flat_fields(load(name).settings))
    assert max(names.values()) == 1
    assert not {flag.replace("-", "_") for flag in command_flags("run") | command_flags("resume")} & names.keys()


@EVERY
def test_an_unknown_flag_is_refused(name, tmp_path, capsys):
    assert main(["run", name, "--preset", "smoke", "--workdir", str(tmp_path / "run"), "--stepz", "3"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "did you mean --steps" in error
    assert not (tmp_path / "run").exists()


@EVERY
def test_every_field_of_its_settings_is_documented(name):
    kind = load(name).settings
    inside = {group.attribute for group in groups(kind)}
    for each in (kind, *(group.kind for group in groups(kind))):
        for owner in each.__mro__:
            if dataclasses.is_dataclass(owner):
                assert not undocumented(owner) - inside, owner


def undocumented(kind):
    """The fields of a class's own body that no string follows."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    pairs = zip(body.body, [*body.body[1:], None], strict=True)
    return {
        statement.target.id
        for statement, following in pairs
        if isinstance(statement, ast.AnnAssign)
        and not (isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant))
    }


def test_every_folder_of_a_family_with_an_experiment_has_a_card():
    """A mistyped name is an error, not an absence."""
    root = next(iter(folders().values())).parents[1]
    written = {path.parent.name for path in root.glob("*/*/experiment.py")}
    assert written == folders().keys()


def test_the_law_of_imports_names_every_family():
    law = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    for family in {entry.family for entry in ENTRIES.values()}:
        assert f'"experiments.{family}.*"' in law, f"add experiments.{family} to the contracts of import-linter"


def test_the_documents_name_all_that_can_draw():
    section = re.search(r"## Samples\n(.*?) draw;", (DOCS / "using-a-run.md").read_text(encoding="utf-8"), re.S)
    assert sorted(re.findall(r"`(\w+)`", section[1])) == sorted(n for n, each in ENTRIES.items() if each.card.samples)
