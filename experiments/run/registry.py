"""How experiments are found: every folder ``experiments/FAMILY/NAME/`` with a ``card.py`` is one."""

import difflib
import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from experiments.errors import WrongInput
from experiments.run.card import Card

if TYPE_CHECKING:
    from experiments.run.experiment import Experiment

ROOT = Path(__file__).parents[1]


class UnknownExperiment(WrongInput):
    """No experiment of that name; the message says which are near."""


class MalformedExperiment(Exception):
    """A folder that looks like an experiment and is none: a mistake in the code, not in a command."""


@dataclass(frozen=True)
class Entry:
    """A card with what its place and its module's docstring say."""

    family: str
    name: str
    card: Card
    description: str

    @property
    def summary(self) -> str:
        """The first line of the description."""
        return self.description.splitlines()[0]

    def as_json(self) -> dict[str, Any]:
        """What ``lectern list --json`` says."""
        return {
            "name": self.name,
            "family": self.family,
            "summary": self.summary,
            "systems": self.card.systems,
            "presets": self.card.all_presets,
            "references": [reference.as_json() for reference in self.card.references],
        }


def folders(root: Path = ROOT) -> dict[str, Path]:
    """Experiments' folders by name; ``MalformedExperiment`` where two families hold the same name."""
    found: dict[str, Path] = {}
    for path in sorted(root.glob("*/*/card.py")):
        folder = path.parent
        if other := found.get(folder.name):
            raise MalformedExperiment(f"two experiments are named {folder.name}: {other} and {folder}; rename one")
        found[folder.name] = folder
    return found


def entries() -> list[Entry]:
    """All experiments' cards, by name."""
    return [_entry(folder) for folder in folders().values()]


def entry(name: str) -> Entry:
    """The card of one experiment."""
    return _entry(_folder(name))


def nearest(name: str, names: list[str]) -> str:
    """A hint for a misspelt name: the near ones, or all."""
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"


def load(name: str) -> "Experiment":
    """Imports an experiment by name."""
    return assigned(_module(_folder(name), "experiment"), "EXPERIMENT")


def assigned(module: ModuleType, name: str) -> object:
    """What the module assigns to ``name``; ``MalformedExperiment`` where it does not, as after a misspelling."""
    if not hasattr(module, name):
        raise MalformedExperiment(f"{module.__name__} assigns no {name}: expected `{name} = …` in it")
    return getattr(module, name)


def _folder(name: str) -> Path:
    found = folders()
    if name not in found:
        raise UnknownExperiment(f"no experiment {name!r}; {nearest(name, list(found))}")
    return found[name]


def _entry(folder: Path) -> Entry:
    module = _module(folder, "card")
    return Entry(folder.parent.name, folder.name, assigned(module, "CARD"), (module.__doc__ or "").strip())


def _module(folder: Path, name: str) -> ModuleType:
    return importlib.import_module(f"experiments.{folder.parent.name}.{folder.name}.{name}")
