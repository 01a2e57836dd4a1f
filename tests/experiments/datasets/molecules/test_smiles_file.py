"""A file of SMILES: what is read of it, what is left out, and which line is none."""

import numpy as np
import pytest

from experiments.datasets.dataset import DataError
from experiments.datasets.molecules.load import load_molecules, written
from experiments.datasets.molecules.smiles_file import read_smiles
from experiments.datasets.molecules.structure import LeftOut, kind_of, structure_of


def read(path, text, most_atoms=7):
    path.write_text(text)
    molecules, notes = read_smiles(path, most_atoms=most_atoms)
    return [molecule.smiles for molecule in molecules], notes


def test_names_empty_lines_and_a_head_are_not_read(tmp_path):
    text = "smiles name\nC(C)O ethanol\n\nN,1\nc1ccccc1\tbenzene\n[O-]C=O\n"
    assert read(tmp_path / "a.smi", text) == (["CCO", "N", "c1ccccc1", "O=C[O-]"], ())


def test_what_is_left_out_is_counted(tmp_path):
    text = "CCO\nOCC\nCCCCCCCC\nC.O\n[13CH4]\n[CH3]\n[NH4+].[Cl-]\nCC\n"
    smiles, notes = read(tmp_path / "a.smi", text)
    assert smiles == ["CCO", "CC"]
    assert set(notes) == {
        "1 molecule left out that came before",
        "1 molecule left out with more than 7 heavy atoms",
        "2 molecules left out empty or in parts",
        "2 molecules left out with isotopes or radicals",
    }


@pytest.mark.parametrize("bad", ["C(C", "c1cccc1", "F(C)C", "nonsense"])
def test_a_bad_line_is_named(tmp_path, bad):
    with pytest.raises(DataError, match=r"line 3: .* is no SMILES of a molecule"):
        read(tmp_path / "a.smi", f"C\nCC\n{bad}\nCCC\n")


def test_no_file_and_too_few_molecules_are_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match="is no file: --data-dir takes a file with one SMILES a line"):
        read_smiles(tmp_path / "none.smi", most_atoms=5)
    (tmp_path / "few.smi").write_text("C\nC.C\n")
    with pytest.raises(DataError, match=r"expected at least 10\. 1 molecule left out empty or in parts"):
        load_molecules(tmp_path / "few.smi", heavy_atoms=5)


def test_an_empty_molecule_is_left_out():
    with pytest.raises(LeftOut):
        structure_of("")


@pytest.mark.parametrize("smiles", ["C", "c1ccncc1", "C[N+](C)(C)C", "CS(=O)(=O)O", "C#N", "c1cc[nH]c1", "O=C[O-]"])
def test_a_structure_is_written_as_its_smiles(smiles):
    molecule = structure_of(smiles)
    kinds = sorted(set(molecule.kinds))
    assert [kind_of(str(kind)) for kind in kinds] == kinds
    numbers = np.array([[1 + kinds.index(kind) for kind in molecule.kinds]], np.int32)
    assert written(list(map(str, kinds)), numbers, molecule.bonds[None]) == [molecule.smiles]


def test_stereochemistry_is_forgotten():
    assert structure_of("C/C=C/C").smiles == structure_of("C/C=C\\C").smiles == "CC=CC"


def test_a_data_set_has_every_molecule_of_its_file_once(tmp_path):
    chains = ["C" * length for length in range(1, 8)] + ["O" + "C" * length for length in range(1, 6)]
    (tmp_path / "a.smi").write_text("\n".join([*chains, "CO"]))
    dataset = load_molecules(tmp_path / "a.smi", heavy_atoms=7)
    assert dataset.symbols == ("C(4)", "O(2)")
    assert "1 molecule left out that came before" in dataset.remarks
    found = [
        smiles
        for split in dataset.splits.values()
        for smiles in written(dataset.symbols, split["atoms"], split["bonds"])
    ]
    assert sorted(found) == sorted(structure_of(chain).smiles for chain in chains)
