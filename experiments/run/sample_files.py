"""The files of drawn samples: ``samples/STEP-N/`` with options, arrays, and what a person looks at."""

from pathlib import Path

import numpy as np

from experiments.datasets import Dataset
from experiments.datasets.meshes.write import write_ply
from experiments.plots.canvas import save
from experiments.plots.images import image_grid
from experiments.plots.meshes import mesh_strips
from experiments.plots.molecules import molecule_grid
from experiments.plots.points import clouds, extent
from experiments.run.run_folder import new_folder, write_json

SHOWN = 100
"""Pictures, at most, of the grid."""
STRIPS = {"interpolation": "from each draw to another", "denoising": "what is seen in noise"}
"""What may stand beside an image, several images each, and the title of their picture, a row a sample."""
MESHES_SHOWN = 32


def texts(dataset: Dataset, examples: dict[str, np.ndarray]) -> list[str]:
    """The samples as texts; none where they are no texts."""
    return ["".join(dataset.symbols[number] for number in each) for each in examples.get("symbols", [])]


def write_samples(workdir: Path, step: int, dataset: Dataset, options: dict, examples: dict[str, np.ndarray]) -> Path:
    """Writes a new folder of samples, and returns it; what is there already stays."""
    with new_folder(workdir / "samples", f"{step}-") as folder:
        write_json(folder / "options.json", options)
        np.savez(folder / "samples.npz", **examples)
        if written := texts(dataset, examples):
            (folder / "samples.txt").write_text("\n\n---\n\n".join(written) + "\n")
        if "image" in examples:
            save(image_grid(examples["image"][:SHOWN], columns=10), folder / "samples.png")
        for name in STRIPS.keys() & examples.keys():
            strips = examples[name][: SHOWN // 10]
            grid = image_grid(strips.reshape(-1, *strips.shape[2:]), columns=strips.shape[1], title=STRIPS[name])
            save(grid, folder / f"{name}.png")
        if "point" in examples and examples["point"].shape[1] == 2:
            save(clouds({"samples": examples["point"]}, half=extent(examples["point"])), folder / "samples.png")
        if {"atoms", "bonds"} <= examples.keys():
            _write_molecules(folder, dataset, examples)
        if "vertices" in examples:
            _write_meshes(folder, dataset, examples["vertices"])
    return folder


def _write_molecules(folder: Path, dataset: Dataset, examples: dict[str, np.ndarray]) -> None:
    """The valid ones: a SMILES and the number of its sample in every line of ``samples.smi``, and a grid of them."""
    from experiments.datasets.molecules.load import written

    numbered = enumerate(written(dataset.symbols, examples["atoms"], examples["bonds"]))
    valid = {number: smiles for number, smiles in numbered if smiles}
    (folder / "samples.smi").write_text("".join(f"{smiles} {number}\n" for number, smiles in valid.items()))
    if valid:
        save(molecule_grid(list(valid.values())[:SHOWN], columns=10), folder / "samples.png")


def _write_meshes(folder: Path, dataset: Dataset, meshes: np.ndarray) -> None:
    """``sample-0.ply`` and so on, and a picture of the first of them."""
    faces, columns = dataset.context["faces"], 8
    for number, mesh in enumerate(meshes):
        write_ply(folder / f"sample-{number}.ply", mesh, faces)
    rows = np.split(meshes[:MESHES_SHOWN], range(columns, min(len(meshes), MESHES_SHOWN), columns))
    strips = {f"from sample {columns * number}": row for number, row in enumerate(rows)}
    save(mesh_strips(strips, faces, title="samples"), folder / "samples.png")
