"""Molecules as kinds of atoms and a matrix of bonds, and back: SMILES that went around once, by RDKit.

Aromatic bonds are written as the single and double ones of a Kekulé structure. A kind of atom is its element, its
charge and its valence, so that bonds tell how many hydrogens are left:  hydrogens = valence − Σ orders of its bonds.
"""

import re
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from experiments.datasets.dataset import DataError

MOST_BONDS = 3
"""The highest order of a bond."""


class Kind(NamedTuple):
    """What an atom is without its bonds."""

    element: str
    charge: int
    valence: int
    """bonds and hydrogens together"""

    def __str__(self) -> str:
        return f"{self.element}{self.charge:+d}({self.valence})" if self.charge else f"{self.element}({self.valence})"


class Structure(NamedTuple):
    """A molecule: its heavy atoms in the order of its canonical SMILES, and the order of the bond between any two."""

    kinds: tuple[Kind, ...]
    bonds: Int[np.ndarray, "atoms atoms"]
    smiles: str


class LeftOut(Exception):
    """A molecule that kinds and bonds cannot tell; the message says why in a few words."""


def chemistry() -> ModuleType:
    """RDKit's ``Chem``; ``DataError`` where it is not installed."""
    try:
        from rdkit import Chem
    except ImportError:
        raise DataError("molecules are read and judged by RDKit: type pip install 'lectern[molecules]'") from None
    return Chem


def kind_of(name: str) -> Kind:
    """The inverse of ``str(kind)``."""
    element, charge, valence = re.fullmatch(r"([A-Z][a-z]?)([+-]\d+)?\((\d+)\)", name).groups()
    return Kind(element, int(charge or 0), int(valence))


def structure_of(smiles: str) -> Structure:
    """The molecule of a SMILES, without stereochemistry; ``ValueError`` where it is none, ``LeftOut`` where the
    molecule is empty, in parts, has an isotope, a radical, or a bond that is not of order 1 to 3.
    """
    chem = chemistry()
    molecule = _read(smiles)
    if molecule is None:
        raise ValueError(f"{smiles!r} is no SMILES of a molecule")
    if any(atom.GetIsotope() or atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        raise LeftOut("with isotopes or radicals")
    canonical = chem.MolToSmiles(molecule, isomericSmiles=False)
    molecule = _read(canonical)
    if molecule is None:
        raise LeftOut("whose canonical SMILES is not read back")
    if not molecule.GetNumAtoms() or "." in canonical:
        raise LeftOut("empty or in parts")
    chem.Kekulize(molecule, clearAromaticFlags=True)
    atoms = list(molecule.GetAtoms())
    orders = chem.GetAdjacencyMatrix(molecule, useBO=True)
    if not np.isin(orders, range(MOST_BONDS + 1)).all():
        raise LeftOut("with bonds that are not single, double or triple")
    kinds = tuple(Kind(atom.GetSymbol(), atom.GetFormalCharge(), atom.GetTotalValence()) for atom in atoms)
    return Structure(kinds, orders.astype(np.int32), chem.MolToSmiles(_read(canonical)))


def smiles_of(kinds: Sequence[Kind], bonds: Int[np.ndarray, "atoms atoms"]) -> str:
    """The canonical SMILES of atoms and bonds, written, read and written again; "" where they are no valid molecule.

    None is valid that is empty, in parts, has more bonds than valences, or that RDKit does not sanitise or read back.
    """
    chem = chemistry()
    built = build(kinds, bonds)
    read = None if built is None else _read(chem.MolToSmiles(built))
    written = "" if read is None else chem.MolToSmiles(read)
    return "" if "." in written else written


def build(kinds: Sequence[Kind], bonds: Int[np.ndarray, "atoms atoms"]) -> object:
    """RDKit's sanitised molecule of these atoms and bonds; None where there is none."""
    chem = chemistry()
    from rdkit.rdBase import BlockLogs

    orders = (None, chem.BondType.SINGLE, chem.BondType.DOUBLE, chem.BondType.TRIPLE)
    hydrogens = [kind.valence - int(used) for kind, used in zip(kinds, bonds.sum(axis=0), strict=True)]
    if min(hydrogens, default=-1) < 0:
        return None
    molecule = chem.RWMol()
    for kind, own in zip(kinds, hydrogens, strict=True):
        atom = chem.Atom(kind.element)
        atom.SetFormalCharge(kind.charge)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(own)
        molecule.AddAtom(atom)
    for one, other in np.argwhere(np.triu(bonds)).tolist():
        molecule.AddBond(one, other, orders[bonds[one, other]])
    with BlockLogs():
        failed = chem.SanitizeMol(molecule, catchErrors=True)
    return None if failed else molecule


def _read(smiles: str) -> object:
    from rdkit.rdBase import BlockLogs

    with BlockLogs():
        return chemistry().MolFromSmiles(smiles)
