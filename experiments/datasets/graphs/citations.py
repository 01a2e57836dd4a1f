"""Citation networks as first published: `NAME.content` with words and classes, `NAME.cites` with citations, both text.

Sen et al. 2008. The later form of Planetoid (`ind.NAME.graph` and others) is pickled Python objects, and is refused:
reading it means running what it holds.
"""

from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DataError
from experiments.datasets.graphs.raw import RawGraph
from experiments.datasets.graphs.splits import planetoid_split
from experiments.numerals import counted


def read_citations(path: Path) -> RawGraph:
    """A folder with one `.content` and its `.cites`; classes are numbered in the order of their names.

    A split like Planetoid's is drawn once and for all. Citations of papers that `.content` does not have are left out
    with a remark. Raises DataError where files are missing, pickled, or a line is none.
    """
    content = _only_content(path)
    names, words, classes = _papers(content)
    edges, unknown = _citations(content.with_suffix(".cites"), {name: i for i, name in enumerate(names)})
    class_names = tuple(sorted(set(classes)))
    labels = np.array([class_names.index(each) for each in classes], np.int32)
    splits, note = planetoid_split(content.stem, labels)
    left_out = (f"{counted(unknown, 'citation')} left out that name papers without words",) if unknown else ()
    return RawGraph(
        content.stem,
        *words.shape,
        np.stack(np.nonzero(words)),
        words[words != 0],
        edges,
        labels,
        splits,
        class_names,
        (note,),
        left_out,
    )


def _only_content(path: Path) -> Path:
    found = sorted(path.glob("*.content"))
    if len(found) == 1:
        return found[0]
    if not found and (pickled := sorted(path.glob("ind.*"))):
        raise DataError(
            f"{path}: {pickled[0].name} is pickled, and nothing is unpickled here, because that runs what a file "
            "holds: save its arrays as one .npz, as docs/data.md says"
        )
    raise DataError(f"{path}: expected one NAME.content beside its NAME.cites, found {len(found)}")


def _papers(path: Path) -> tuple[list[str], np.ndarray, list[str]]:
    """Names [nodes], words [nodes, features] and classes [nodes] of lines NAME 0 1 … CLASS."""
    lines = [line.split() for line in _lines(path)]
    lengths = {len(line) for line in lines}
    if len(lengths) != 1 or min(lengths) < 3:
        raise DataError(f"{path}: expected lines of a name, equally many numbers, and a class")
    names = [line[0] for line in lines]
    if len(set(names)) < len(names):
        raise DataError(f"{path}: two lines have the same name")
    try:
        words = np.array([line[1:-1] for line in lines]).astype(np.float32)
    except ValueError as error:
        raise DataError(f"{path}: {error}: expected numbers between the name and the class") from error
    return names, words, [line[-1] for line in lines]


def _citations(path: Path, number: dict[str, int]) -> tuple[np.ndarray, int]:
    """The pairs of known papers, and how many citations name another."""
    pairs = [line.split() for line in _lines(path)]
    if any(len(pair) != 2 for pair in pairs):
        raise DataError(f"{path}: expected two names a line, who is cited and who cites")
    known = [[number[one], number[other]] for one, other in pairs if one in number and other in number]
    return np.array(known, np.int64).reshape(-1, 2), len(pairs) - len(known)


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from error
