"""What drawn molecules are worth, by their canonical SMILES, and how far properties rise along their gradients."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.datasets.molecules.load import PROPERTIES, properties

UNITS = {
    "validity": "%",
    "validity_without_search": "%",
    "uniqueness": "%",
    "novelty": "%",
    "reconstruction": "%",
    "qed_gain": "",
    "logp_gain": "",
    "ascended": "%",
}


class Worth(NamedTuple):
    """Shares in percent; those of nothing are 0."""

    validity: float
    """valid ones of all"""
    uniqueness: float
    """different ones of the valid"""
    novelty: float
    """of the different ones those that were not trained on"""


def percent(part: int, whole: int) -> float:
    """So much of the whole; 0 of nothing."""
    return 100.0 * part / whole if whole else 0.0


def worth(drawn: Sequence[str], trained_on: frozenset[str]) -> Worth:
    """Of molecules by their canonical SMILES, "" where they are not valid."""
    valid = [smiles for smiles in drawn if smiles]
    different = set(valid)
    return Worth(
        percent(len(valid), len(drawn)),
        percent(len(different), len(valid)),
        percent(len(different - trained_on), len(different)),
    )


def reconstruction(truth: Sequence[str], decoded: Sequence[str]) -> float:
    """The share of molecules, in percent, whose canonical SMILES came back."""
    return percent(sum(one == other for one, other in zip(truth, decoded, strict=True)), len(truth))


class Climb(NamedTuple):
    """A property of molecules, before and after the ascent of their latents: those that are valid after it."""

    before_smiles: tuple[str, ...]
    after_smiles: tuple[str, ...]
    before: Float[np.ndarray, " molecules"]
    after: Float[np.ndarray, " molecules"]

    @property
    def gain(self) -> float:
        """The mean difference; 0 of none."""
        return float(np.mean(self.after - self.before)) if len(self.before) else 0.0


def climb(name: str, before: Sequence[str], after: Sequence[str]) -> Climb:
    """One of the ``PROPERTIES`` before and after."""
    pairs = [pair for pair in zip(before, after, strict=True) if all(pair)]
    column = PROPERTIES.index(name)
    olds, news = ([pair[end] for pair in pairs] for end in (0, 1))
    return Climb(tuple(olds), tuple(news), properties(olds)[:, column], properties(news)[:, column])
