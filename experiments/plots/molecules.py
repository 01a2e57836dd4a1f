"""Molecules as chemists draw them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.datasets.molecules.structure import chemistry
from experiments.plots.canvas import literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 180
"""Pixels of a drawing."""


def molecule_grid(
    smiles: Sequence[str], *, columns: int, title: str | None = None, captions: Sequence[str] = ()
) -> "Figure":
    """Structural formulas row by row, each over its caption: without captions over its SMILES. "" leaves a gap."""
    from matplotlib.figure import Figure
    from rdkit.Chem.Draw import MolToImage

    chem = chemistry()
    rows = max(1, -(-len(smiles) // columns))
    figure = Figure(figsize=(1.25 * columns, 1.4 * rows + 0.4), dpi=120, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, text, caption in zip(panels, smiles, captions or smiles, strict=False):
        if text:
            axes.imshow(np.asarray(MolToImage(chem.MolFromSmiles(text), size=(SIDE, SIDE))))
        axes.set_xlabel(literal(caption), fontsize=6)
    if title:
        figure.suptitle(literal(title), fontsize=10)
    return figure
