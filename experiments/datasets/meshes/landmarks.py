"""What all meshes of a set share: faces, a mean shape, a scale, and vertices from which geodesics are measured."""

import numpy as np
from jaxtyping import Float, Int


def mesh_context(
    vertices: Float[np.ndarray, "meshes vertices 3"], faces: Int[np.ndarray, "faces 3"], *, landmarks: int
) -> dict[str, np.ndarray]:
    """Faces, "landmarks", the "mean" of the meshes, and the "scale", their deviation from it (root mean square)."""
    mean = vertices.mean(axis=0, dtype=np.float64)
    scale = np.sqrt(np.mean((vertices - mean) ** 2))
    return {
        "faces": np.asarray(faces, np.int32),
        "landmarks": farthest_points(mean, landmarks),
        "mean": mean.astype(np.float32),
        "scale": np.array(scale if scale > 0 else 1.0, np.float32),
    }


def farthest_points(vertices: Float[np.ndarray, "vertices 3"], count: int) -> Int[np.ndarray, " landmarks"]:
    """Vertex 0, then again and again the vertex that is farthest from those chosen, at most all.

    Gonzalez 1985.
    """
    chosen = [0]
    distances = np.linalg.norm(vertices - vertices[0], axis=-1)
    while len(chosen) < min(count, len(vertices)):
        chosen.append(int(np.argmax(distances)))
        distances = np.minimum(distances, np.linalg.norm(vertices - vertices[chosen[-1]], axis=-1))
    return np.array(chosen, np.int32)
