"""One mesh into a file that everything reads."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int


def write_ply(path: Path, vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> None:
    """Vertices and triangles as a text in Stanford's format, with nine digits of each coordinate (Turk 1994)."""
    header = [
        "ply",
        "format ascii 1.0",
        f"element vertex {len(vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    points = [" ".join(f"{number:.9g}" for number in vertex) for vertex in vertices]
    triangles = [f"3 {a} {b} {c}" for a, b, c in faces]
    path.write_text("\n".join([*header, *points, *triangles, ""]), encoding="ascii")
