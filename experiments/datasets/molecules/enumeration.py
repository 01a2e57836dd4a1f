"""All molecules of carbon, nitrogen, oxygen and fluorine up to a number of heavy atoms, by the rules of valence."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from experiments.datasets.molecules.structure import MOST_BONDS, Kind, Structure, build, chemistry, structure_of
from experiments.numerals import counted
from train.progress import Progress

ELEMENTS = (Kind("C", 0, 4), Kind("N", 0, 3), Kind("O", 0, 2), Kind("F", 0, 1))
SILENTLY = 1000
"""Molecules to which an atom is added within seconds; more show how far it is."""


def enumerated(heavy_atoms: int) -> list[Structure]:
    """Every neutral connected molecule of 1 to ``heavy_atoms`` C, N, O and F with closed shells, once each.

    Bonds are of order 1 to 3, and what they leave of the valences 4, 3, 2 and 1 is hydrogen; rings and bonds that no
    chemist could keep in a bottle are among them. A connected graph of n atoms has one without which it is connected,
    so all of n atoms come out of those of n − 1 by one more atom, bound in every way that valences allow. Two are the
    same if their canonical SMILES are: tautomers are two, Kekulé structures of one ring are one.
    """
    chem = chemistry()
    found: dict[str, Structure] = {}
    level = [((kind,), np.zeros((1, 1), np.int32)) for kind in ELEMENTS]
    for size in range(1, heavy_atoms + 1):
        grown = {}
        for kinds, bonds in level if size == 1 else _grown(level, size):
            grown.setdefault(chem.MolToSmiles(build(kinds, bonds)), (kinds, bonds))
        level = list(grown.values())
        for smiles in grown:
            molecule = structure_of(smiles)
            found.setdefault(molecule.smiles, molecule)
    return list(found.values())


def _grown(level: Sequence[tuple], size: int) -> Iterator[tuple[tuple[Kind, ...], Int[np.ndarray, "atoms atoms"]]]:
    """Each of these molecules with one more atom of each kind in every way, which makes ``size``."""
    label, shown = f"molecules of {counted(size, 'atom')} from those of one less", len(level) > SILENTLY
    with Progress(label, 0, len(level), thing="molecule", shown=shown) as progress:
        for done, (kinds, bonds) in enumerate(level, start=1):
            free = [kind.valence - used for kind, used in zip(kinds, bonds.sum(axis=0).tolist(), strict=True)]
            for kind in ELEMENTS:
                for orders in _orders(free, kind.valence):
                    if any(orders):
                        yield (*kinds, kind), np.pad(bonds, (0, 1)) + _last(orders)
            progress.update(done, {})


def _orders(free: Sequence[int], valence: int) -> list[tuple[int, ...]]:
    """The orders of bonds of one atom to others with so many ``free`` places, 0 among them."""
    ways = [()]
    for places in free:
        ways = [
            (*way, order) for way in ways for order in range(min(places, valence - sum(way), MOST_BONDS) + 1)
        ]  # fmt: skip
    return ways


def _last(orders: tuple[int, ...]) -> Int[np.ndarray, "atoms atoms"]:
    """The bonds of the last atom alone."""
    size = len(orders)
    bonds = np.zeros((size + 1, size + 1), np.int32)
    bonds[size, :size] = bonds[:size, size] = orders
    return bonds
