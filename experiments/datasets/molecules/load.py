"""Molecules as arrays of one shape, padded to the largest, with two of their properties."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.dataset import SPLITS, DataError, Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.molecules.enumeration import enumerated
from experiments.datasets.molecules.smiles_file import read_smiles
from experiments.datasets.molecules.structure import Kind, Structure, chemistry, kind_of, smiles_of
from experiments.datasets.sources import size
from experiments.datasets.splitting import fixed_permutation, split_pool

MOST = 50_000
"""Enumerated molecules, at most; of more this many are drawn."""
PROPERTIES = ("qed", "logp")
"""Drug-likeness in [0, 1] (Bickerton et al. 2012), and the logarithm of the partition coefficient between octanol and
water, estimated from the atoms (Wildman & Crippen 1999)."""


def load_molecules(path: Path | None, *, heavy_atoms: int) -> Dataset:
    """Molecules of at most ``heavy_atoms`` heavy atoms: those of a file with one SMILES a line, or all by valence.

    An example holds "atoms" [atoms], the number of each atom's kind from 1 on and 0 after the last, sorted; "bonds"
    [atoms, atoms], orders from 0 to 3; and "property" [2]. ``symbols`` names the kinds, in the order of their numbers.
    A tenth each is for validation and for the test. ``DataError`` where RDKit is missing, and as ``read_smiles``.
    """
    chemistry()
    if path is None:
        molecules, notes = enumerated(heavy_atoms), ()
        title = f"{len(molecules):,} molecules of C, N, O and F of up to {heavy_atoms} heavy atoms by valence"
        if len(molecules) > MOST:
            molecules = [molecules[place] for place in fixed_permutation(len(molecules))[:MOST]]
            notes = (f"{MOST:,} drawn of them",)
    else:
        molecules, notes = read_smiles(path, most_atoms=heavy_atoms)
        title = f"{len(molecules):,} molecules of {path.name}"
    if len(molecules) < 10:
        raise DataError(f"{title}: expected at least 10. {'; '.join(notes)}")
    kinds = sorted({kind for molecule in molecules for kind in molecule.kinds})
    splits, split_notes = split_pool(arrays(molecules, kinds), title)
    sizes = "/".join(str(size(splits[split])) for split in SPLITS)
    return Dataset(
        "molecules",
        ", ".join((f"{title} {sizes}", *split_notes, *notes)),
        fingerprint(splits),
        splits,
        symbols=tuple(map(str, kinds)),
        remarks=notes if path is not None else (),
    )


def arrays(molecules: Sequence[Structure], kinds: Sequence[Kind]) -> dict[str, np.ndarray]:
    """Molecules padded to the largest; atoms stand in the order of kinds, those of one as in the canonical SMILES."""
    most = max(len(molecule.kinds) for molecule in molecules)
    numbers = {kind: number for number, kind in enumerate(kinds, start=1)}
    atoms = np.zeros((len(molecules), most), np.int32)
    bonds = np.zeros((len(molecules), most, most), np.int32)
    for row, molecule in enumerate(molecules):
        own = np.array([numbers[kind] for kind in molecule.kinds], np.int32)
        order = np.argsort(own, kind="stable")
        atoms[row, : len(own)] = own[order]
        bonds[row, : len(own), : len(own)] = molecule.bonds[np.ix_(order, order)]
    return {"atoms": atoms, "bonds": bonds, "property": properties([molecule.smiles for molecule in molecules])}


def written(
    symbols: Sequence[str], atoms: Int[np.ndarray, "molecules atoms"], bonds: Int[np.ndarray, "molecules atoms atoms"]
) -> list[str]:
    """The canonical SMILES of each molecule, "" where it is not valid."""
    kinds = [kind_of(symbol) for symbol in symbols]
    texts = []
    for own, orders in zip(np.asarray(atoms), np.asarray(bonds), strict=True):
        count = np.count_nonzero(own)
        texts.append(smiles_of([kinds[number - 1] for number in own[:count].tolist()], orders[:count, :count]))
    return texts


def properties(smiles: Sequence[str]) -> Float[np.ndarray, "molecules 2"]:
    """The ``PROPERTIES`` of valid molecules."""
    chem = chemistry()
    from rdkit.Chem.Crippen import MolLogP
    from rdkit.Chem.QED import qed

    molecules = (chem.MolFromSmiles(text) for text in smiles)
    return np.array([(qed(molecule), MolLogP(molecule)) for molecule in molecules], np.float32).reshape(-1, 2)
