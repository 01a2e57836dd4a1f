"""docs/lectures.md names only what exists: rows, paths, commands, images, and figures of the runs beside them."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from experiments.cli.flags import parse_flags
from experiments.cli.training import preset_settings
from experiments.run.registry import folders

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lectures.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| section", "| ---"))]
COMMANDS = sorted(set(re.findall(r"`lectern run ([^`]+)`", TEXT)))
SYSTEM = r"[ACFGSV]\d+"


def systems(cell: str) -> set[str]:
    """The rows of the catalogue that "C11, C13–C18" names."""
    ranges = re.findall(rf"({SYSTEM})(?:–({SYSTEM}))?", cell)
    return {
        f"{first[0]}{number}"
        for first, last in ranges
        for number in range(int(first[1:]), int((last or first)[1:]) + 1)
    }


def names_in(path: Path) -> set[str]:
    """The keys that a module writes, and those of the modules that it has figures from: what a figure may be called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    keys = [key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys]
    keys += [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    found = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    for module in imported:
        if module.startswith(("experiments.plots.", "experiments.evaluations.")):
            found |= names_in(ROOT.joinpath(*module.split(".")).with_suffix(".py"))
    return found


def figures_of(experiment: str) -> set[str]:
    return {"learning_curves"}.union(*map(names_in, folders()[experiment].glob("*.py")))


def test_sections_have_six_cells():
    assert all(re.fullmatch(r"\|(?: [^|]* \|| \|){6}", line) for line in SECTIONS)


def test_rows_are_the_catalogues_and_none_is_left_out():
    catalogue = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    known = set(re.findall(rf"^\| ({SYSTEM}) ", catalogue, re.MULTILINE))
    built = set().union(*(systems(line.split("|")[3]) for line in SECTIONS if "not built yet" not in line))
    assert built == known


def test_paths_exist():
    paths = {path for path in re.findall(r"`([\w/]+\.\w+)`", TEXT) if "/" in path}
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).is_file()] == []


def test_links_lead_to_files():
    links = set(re.findall(r"\]\(([^)]+)\)", TEXT))
    assert links
    assert [link for link in sorted(links) if not (PAGE.parent / link).is_file()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_accepted(command):
    name, *flags = shlex.split(command)
    preset = "default"
    if "--preset" in flags:
        at = flags.index("--preset")
        preset = flags[at + 1]
        del flags[at : at + 2]
    settings = preset_settings(name, preset)
    parse_flags(settings, flags, prog=name)


def test_figures_are_those_of_the_runs_beside_them():
    for line in SECTIONS:
        runs = re.findall(r"`lectern run (\w+)", line)
        drawn = set().union(*map(figures_of, runs))
        assert set(re.findall(r"`(\w+)\.png`", line)) <= drawn, line
