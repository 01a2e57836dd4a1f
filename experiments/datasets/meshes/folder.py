"""A folder of meshes of one connectivity: several bodies, each in several poses."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from experiments.datasets.dataset import SPLITS, DataError, Dataset
from experiments.datasets.generated import generated
from experiments.datasets.meshes.landmarks import mesh_context
from experiments.datasets.meshes.read import read_mesh
from experiments.datasets.meshes.topology import border_edges
from experiments.datasets.splitting import fixed_permutation
from experiments.numerals import counted

SUFFIXES = (".ply", ".obj", ".off")
MOST_VERTICES = 2000
"""Above, the dense matrices of the geodesic solver do not fit."""
LEAST_OF_A_BODY = 6
"""Poses of each body: four to train on, and one each for validation and the test."""


def mesh_folder(folder: Path, *, landmarks: int) -> Dataset:
    """The meshes in ``folder``: one subfolder for each body, of its poses, or all in the folder, of one body.

    An example is "vertices", "posed" (the same body, another pose) and "other" (another body, where there are several),
    [V, 3] each; of every body a tenth of the poses, at least one, is held out for validation and as many for the test.
    Meshes are moved so that their vertices' mean is 0, and divided by the root mean square of the distance from it, of
    all together.

    Raises:
        DataError: as ``read_mesh``; if a mesh has other faces than the first, a body has few poses, or meshes are too
            large; where files lie beside folders.
    """
    bodies = _bodies(folder)
    read = {path: read_mesh(path) for paths in bodies.values() for path in paths}
    first, (_, faces) = next(iter(read.items()))
    for path, (_, other) in read.items():
        if not np.array_equal(faces, other):
            raise DataError(f"{path}: its faces are not those of {first}: all meshes must have the same connectivity")
    size = len(read[first][0])
    if size > MOST_VERTICES:
        raise DataError(f"{first}: {size} vertices, and {MOST_VERTICES} at most are taken, as distances are dense")
    meshes = [np.stack([_centred(read[path][0]) for path in paths]) for paths in bodies.values()]
    unit = np.sqrt(np.mean(np.concatenate(meshes) ** 2) * 3)
    splits = {
        split: _pairs(list(parts)) for split, *parts in zip(SPLITS, *(_parts(m / unit) for m in meshes), strict=True)
    }
    context = mesh_context(splits["train"]["vertices"], faces, landmarks=landmarks)
    counts = "/".join(str(len(splits[split]["vertices"])) for split in SPLITS)
    protocol = (
        f"{counts} meshes of {len(meshes)} bod{'ies' if len(meshes) > 1 else 'y'}, {size} vertices, "
        "centred and scaled together; poses held out by a fixed permutation"
    )
    dataset = generated(f"meshes of {folder.name}", protocol, splits, context=context)
    borders = border_edges(faces)
    remark = f"the meshes have {counted(borders, 'border edge')}: geodesics go around holes, and none leads across one"
    return dataset._replace(remarks=(remark,)) if borders else dataset


def _bodies(folder: Path) -> dict[str, list[Path]]:
    """Files by subfolder, in the order of their names."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of meshes")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            found.setdefault(str(path.parent.relative_to(folder)), []).append(path)
    if not found:
        raise DataError(f"{folder}: no mesh in it: expected files that end in {', '.join(SUFFIXES)}")
    if len(found) > 1 and "." in found:
        raise DataError(f"{found['.'][0]} lies beside folders of bodies: sort all meshes into folders, or none")
    for name, paths in found.items():
        if len(paths) < LEAST_OF_A_BODY:
            raise DataError(f"{folder / name}: {len(paths)} of at least {LEAST_OF_A_BODY} meshes, the poses of a body")
    return found


def _centred(vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 3"]:
    return vertices - vertices.mean(axis=0)


def _parts(meshes: Float[np.ndarray, "meshes vertices 3"]) -> list[np.ndarray]:
    """Of one body the poses for training, validation and test."""
    held_out = max(len(meshes) // 10, 1)
    order = fixed_permutation(len(meshes))
    train, valid, test = np.split(order, [len(meshes) - 2 * held_out, len(meshes) - held_out])
    return [meshes[part] for part in (train, valid, test)]


def _pairs(bodies: list[Float[np.ndarray, "_ vertices 3"]]) -> dict[str, np.ndarray]:
    """Each mesh with the next pose of its body, and with a pose of the next body."""
    vertices = np.concatenate(bodies)
    posed = np.concatenate([np.roll(body, -1, axis=0) for body in bodies])
    following = bodies[1:] + bodies[:1] if len(bodies) > 1 else [np.roll(bodies[0], -len(bodies[0]) // 2, axis=0)]
    other = [next_one[_wrapped(len(body), len(next_one))] for body, next_one in zip(bodies, following, strict=True)]
    triple = {"vertices": vertices, "posed": posed, "other": np.concatenate(other)}
    return {role: array.astype(np.float32) for role, array in triple.items()}


def _wrapped(count: int, size: int) -> Int[np.ndarray, " count"]:
    return (np.arange(count) + 1) % size
