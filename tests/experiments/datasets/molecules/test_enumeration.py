"""All molecules of a few atoms against counts by hand, and arrays against the SMILES that they come from."""

import sys
from collections import Counter

import numpy as np
import pytest

from experiments.datasets.dataset import DataError
from experiments.datasets.molecules import enumeration
from experiments.datasets.molecules.enumeration import ELEMENTS, enumerated
from experiments.datasets.molecules.load import arrays, load_molecules, properties, written
from experiments.datasets.molecules.structure import Kind, smiles_of

CARBON, NITROGEN, OXYGEN, FLUORINE = ELEMENTS
AROMATIC = "c1ccccc1"
SINGLE, DOUBLE = (np.array([[0, order], [order, 0]], np.int32) for order in (1, 2))


def test_one_and_two_atoms_are_those_of_a_list_by_hand():
    """Four hydrides; then of each pair of elements a bond of every order up to the smaller valence, 3 at most."""
    valences = dict(C=4, N=3, O=2, F=1)
    pairs = [(one, other) for place, one in enumerate("CNOF") for other in "CNOF"[place:]]
    expected = {(*pair, order) for pair in pairs for order in range(1, min(3, *map(valences.get, pair)) + 1)}
    found = enumerated(2)
    assert {molecule.smiles for molecule in found if len(molecule.kinds) == 1} == {"C", "N", "O", "F"}
    two = [molecule for molecule in found if len(molecule.kinds) == 2]
    assert {(*(kind.element for kind in molecule.kinds), int(molecule.bonds[0, 1])) for molecule in two} | {
        (*(kind.element for kind in molecule.kinds[::-1]), int(molecule.bonds[0, 1])) for molecule in two
    } >= expected
    assert len(two) == len(expected) == 19
    assert len({molecule.smiles for molecule in found}) == len(found)


def test_alkanes_have_as_many_isomers_as_chemistry_books_say(monkeypatch):
    """Of carbon alone with single bonds and no ring: 1, 1, 1, 2, 3.

    Of three carbons there are four chains, of orders 11, 12, 13, 22, and five rings, 111, 112, 113, 122, 222.
    """
    monkeypatch.setattr(enumeration, "ELEMENTS", (CARBON,))
    found = enumerated(5)
    trees = Counter()
    for molecule in found:
        size = len(molecule.kinds)
        trees[size] += molecule.bonds.sum() == 2 * (size - 1) and molecule.bonds.max(initial=0) <= 1
    assert [trees[size] for size in range(1, 6)] == [1, 1, 1, 2, 3]
    of_three = {molecule.smiles for molecule in found if len(molecule.kinds) == 3}
    assert {"CCC", "C=CC", "C#CC", "C=C=C", "C1CC1", "C1=CC1"} <= of_three
    assert len(of_three) == 9


@pytest.mark.parametrize("heavy_atoms", [3])
def test_arrays_are_written_as_the_molecules_they_come_from(heavy_atoms):
    molecules = enumerated(heavy_atoms)
    kinds = sorted({kind for molecule in molecules for kind in molecule.kinds})
    made = arrays(molecules, kinds)
    assert written(list(map(str, kinds)), made["atoms"], made["bonds"]) == [each.smiles for each in molecules]
    np.testing.assert_array_equal(made["bonds"], made["bonds"].transpose(0, 2, 1))
    assert all(list(own) == sorted(own) for own in (row[row > 0].tolist() for row in made["atoms"]))


def test_what_cannot_be_a_molecule_is_written_as_nothing():
    alone = np.zeros((2, 2), np.int32)
    assert smiles_of([], np.zeros((0, 0), np.int32)) == ""
    assert smiles_of([CARBON, OXYGEN], alone) == ""  # in parts
    assert smiles_of([FLUORINE, OXYGEN], DOUBLE) == ""  # a valence is exceeded
    assert smiles_of([CARBON, OXYGEN], DOUBLE) == "C=O"
    assert smiles_of([Kind("N", 1, 4), CARBON], SINGLE) == "C[NH3+]"


def test_properties_are_those_of_the_whole_molecule():
    """Benzene: by Crippen's table 0.1581 for each aromatic carbon and 0.1230 for each of its hydrogens."""
    ((qed, logp),) = properties([AROMATIC])
    np.testing.assert_allclose(logp, 6 * (0.1581 + 0.1230), rtol=1e-5)
    assert 0 < qed < 1
    assert properties([]).shape == (0, 2)


def test_without_rdkit_one_line_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(DataError, match=r"pip install 'lectern\[molecules\]'"):
        load_molecules(None, heavy_atoms=2)
