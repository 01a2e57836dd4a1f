"""What an experiment says of itself before anything is imported: rows of the catalogue, presets, published figures.

An experiment is a folder ``experiments/FAMILY/NAME/``. Its ``card.py`` assigns ``CARD = Card(…)`` and imports the
standard library, this module and other cards' constants only, so that all cards are read in a moment. The module's
docstring is the experiment's description: one line that ends in a full stop, then paper, claim, command, figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from experiments.run.bibliography import BIBLIOGRAPHY

Preset = dict[str, Any]
"""Values of settings, by the names that their flags have, underscores for hyphens."""

SMOKE_LOOP: Preset = {"steps": 20, "chunk": 5, "evaluate_every": 10, "save_every": 10}
"""The loop of a run that only shows that everything works, in seconds."""


@dataclass(frozen=True)
class Reference:
    """A published figure: where it is printed, how it was measured, and which preset replicates it."""

    metric: str
    """the name under which the experiment measures it"""
    value: float
    """as printed"""
    unit: str
    """of the value, as the experiment's own"""
    cite: str = field(kw_only=True)
    """key of the bibliography"""
    where: str = field(default="", kw_only=True)
    """table, figure or section that prints it"""
    read: Literal["source", "secondary", "memory"] = field(kw_only=True)
    """how it was read: in the work itself, quoted in another text, or from memory"""
    protocol: str = field(kw_only=True)
    """data, splits and measure, and in what ours differs"""
    preset: str = field(kw_only=True)
    """the preset that follows this protocol"""
    data: str = field(default="", kw_only=True)
    """the data set that the preset reads and that does not ship, where the preset's own ``data`` does not name it"""
    obstacle: str = field(default="", kw_only=True)
    """why a run of the preset cannot be set beside the figure, where it cannot"""
    tested: int | None = field(default=None, kw_only=True)
    """examples, where the figure is the percentage of them"""
    standard_error: float | None = field(default=None, kw_only=True)
    """of the printed mean, where it is printed or follows from what is"""

    @property
    def source(self) -> str:
        """Authors, year and place in words."""
        return ", ".join(filter(None, (str(BIBLIOGRAPHY[self.cite]), self.where)))

    def as_json(self) -> dict[str, Any]:
        """The fields, and the source in words."""
        return vars(self) | {"source": self.source}


@dataclass(frozen=True, kw_only=True)
class Card:
    """An experiment's card; the registry adds its name, its family and its description."""

    systems: tuple[str, ...]
    """rows of the catalogue"""
    default: Preset = field(default_factory=dict)
    """what preset default changes of the settings' own values"""
    smoke: Preset = field(default_factory=dict)
    """what preset smoke changes besides the loop"""
    presets: Mapping[str, Preset] = field(default_factory=dict)
    """the other presets"""
    references: tuple[Reference, ...] = ()
    """published figures"""
    samples: bool = False
    """whether `lectern sample` draws new examples from a run"""

    @property
    def all_presets(self) -> dict[str, Preset]:
        """Every preset by name, default and smoke included."""
        return {"default": self.default, "smoke": SMOKE_LOOP | self.smoke, **self.presets}

    def data_of(self, reference: Reference) -> str:
        """The data set that a figure's preset reads from ``--data-dir``: "mnist", "cifar10", "cora"; "" for none."""
        named = str(self.all_presets[reference.preset].get("data", ""))
        return reference.data or (named.removeprefix("tfds:") if named == "mnist" or named.startswith("tfds:") else "")
