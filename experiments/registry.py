"""What an experiment is, and how experiments are found.

An experiment is a file ``experiments/FAMILY/NAME.py`` that assigns ``EXPERIMENT = Experiment(…)``. Listing reads that
assignment from the source without running it, so it stays fast however many experiments there are; what it reads must
therefore be written as literals, and a contract test holds it against the imported object.
"""

import ast
import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from experiments.errors import WrongInput

ROOT = Path(__file__).parent


class UnknownExperiment(WrongInput):
    """No experiment of that name; the message says which are near."""


class Reference(NamedTuple):
    """A published figure: where it is printed, how it was measured, and which preset replicates it."""

    metric: str
    value: float
    unit: str
    source: str
    protocol: str
    preset: str


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One replication. ``settings`` is a frozen dataclass; the functions take an instance of it first.

    - ``data(settings) -> Dataset``
    - ``task(settings, dataset) -> Task``, for one seed
    - ``monitor`` and ``evaluate(settings, dataset) -> metric_fn(params, batch, keys)``: one value per example; the
      first is cheap and runs while training, the second is the result
    - ``figures(settings, dataset, params) -> {name: Figure}``, from the parameters of one seed
    """

    systems: tuple[str, ...]
    settings: type
    data: Callable
    task: Callable
    monitor: Callable
    evaluate: Callable
    figures: Callable
    monitored: str
    units: dict[str, str]
    presets: dict[str, dict]
    references: tuple[Reference, ...] = field(default=())


class Card(NamedTuple):
    """What ``lectern list`` says of an experiment."""

    name: str
    summary: str
    systems: tuple[str, ...]
    presets: dict[str, dict]
    references: tuple[Reference, ...]


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(ROOT.glob("*/*.py")) if "\nEXPERIMENT = " in path.read_text()}


def _literal(node: ast.expr) -> object:
    """The value of a literal, in which ``Reference(…)`` may stand too."""
    if isinstance(node, ast.Tuple):
        return tuple(_literal(element) for element in node.elts)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Reference":
        return Reference(**{keyword.arg: _literal(keyword.value) for keyword in node.keywords})
    return ast.literal_eval(node)


def read_card(path: Path) -> Card:
    """The card of the experiment in ``path``, read without running it."""
    module = ast.parse(path.read_text())
    (assignment,) = (
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENT"
    )
    fields = {keyword.arg: keyword.value for keyword in assignment.keywords}
    said = {name: _literal(fields[name]) for name in ("systems", "presets", "references") if name in fields}
    summary = ast.get_docstring(module).splitlines()[0]
    return Card(path.stem, summary, said["systems"], said["presets"], said.get("references", ()))


def cards() -> list[Card]:
    """All experiments, by name."""
    return [read_card(path) for path in _files().values()]


def nearest(name: str, names: list[str]) -> str:
    """A hint for a misspelt name: the near ones, or all."""
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"


def load(name: str) -> Experiment:
    """Imports an experiment by name."""
    files = _files()
    if name not in files:
        raise UnknownExperiment(f"no experiment {name!r}; {nearest(name, list(files))}")
    return importlib.import_module(f"experiments.{files[name].parent.name}.{name}").EXPERIMENT
