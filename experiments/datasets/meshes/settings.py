"""Which meshes: a group of settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge

from experiments.datasets.dataset import Dataset
from experiments.datasets.meshes.folder import mesh_folder
from experiments.datasets.meshes.generated import shape_pairs
from experiments.datasets.meshes.shapes import figure, hand, sheet


@dataclass(frozen=True, kw_only=True)
class MeshData:
    """Generated shapes, or a folder of meshes of one connectivity."""

    shape: Literal["figure", "hand", "sheet"] = "figure"
    """generated: a figure that walks, a hand that grips, or a sheet that is bent without stretching"""
    data_dir: Path | None = None
    """a folder of .ply, .obj or .off files, one subfolder for each body; without one shapes are generated"""
    examples: Annotated[int, Ge(8)] = 1000
    """generated pairs for training; an eighth as many for validation and for the test"""
    rows: Annotated[int, Ge(2)] = 8
    """vertices of the sheet across"""
    columns: Annotated[int, Ge(3)] = 11
    """vertices of the sheet along, which is the way it is bent"""
    landmarks: Annotated[int, Ge(1)] = 8
    """vertices from which geodesic distances are measured, as far apart as can be"""

    def idle(self) -> dict[str, str]:
        """What is told of other shapes than these."""
        if self.data_dir:
            return dict.fromkeys(("shape", "examples", "rows", "columns"), "with --data-dir")
        return {} if self.shape == "sheet" else dict.fromkeys(("rows", "columns"), f"with --shape {self.shape}")

    def load(self) -> Dataset:
        """The meshes; ``DataError`` as ``mesh_folder``."""
        if self.data_dir:
            return mesh_folder(self.data_dir.expanduser(), landmarks=self.landmarks)
        shape = (
            sheet(self.rows, self.columns) if self.shape == "sheet" else {"figure": figure, "hand": hand}[self.shape]()
        )
        return shape_pairs(shape, f"generated {self.shape}s", examples=self.examples, landmarks=self.landmarks)
