"""A file of SMILES, one a line, and what of it is left out."""

from collections import Counter
from pathlib import Path

from experiments.datasets.dataset import DataError
from experiments.datasets.molecules.structure import LeftOut, Structure, structure_of
from experiments.numerals import counted


def read_smiles(path: Path, *, most_atoms: int) -> tuple[list[Structure], tuple[str, ...]]:
    """The molecules of a file, each once, and in words how many were left out and why.

    A line begins with a SMILES; what follows after a space, a tab or a comma is not read, nor are empty lines and a
    first line "smiles". ``DataError`` where there is no such file, and names the first line that is no SMILES.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file: --data-dir takes a file with one SMILES a line")
    found: dict[str, Structure] = {}
    left: Counter[str] = Counter()
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        words = line.strip().replace(",", " ").split()
        if not words or (number == 1 and words[0].lower() == "smiles"):
            continue
        try:
            molecule = structure_of(words[0])
        except LeftOut as reason:
            left[str(reason)] += 1
            continue
        except ValueError:
            raise DataError(f"{path}, line {number}: {words[0]!r} is no SMILES of a molecule") from None
        if len(molecule.kinds) > most_atoms:
            left[f"with more than {most_atoms} heavy atoms"] += 1
        elif molecule.smiles in found:
            left["that came before"] += 1
        else:
            found[molecule.smiles] = molecule
    return list(found.values()), tuple(f"{counted(count, 'molecule')} left out {why}" for why, count in left.items())
