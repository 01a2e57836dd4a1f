"""Groups of settings that say which data: every reader of one kind of data is told the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from experiments.datasets import DataError, Dataset, fingerprint, load
from experiments.numerals import counted


@dataclass(frozen=True, kw_only=True)
class ImageData:
    """Which images, and how they become what the network sees."""

    data: str = "auto"
    """digits; patches (of photographs); mnist or idx (a folder of IDX files), folder (of pictures), npz (a file of
    arrays) or tfds:NAME; auto is idx with --data-dir, or digits without it"""
    data_dir: Path | None = None
    """the folder or file of the data set"""
    train_on: Literal["train", "train+valid"] = "train"
    """train+valid: train on both, as papers without a validation split did"""
    binarization: Literal["none", "static", "stochastic"] = "stochastic"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""

    def load(self) -> Dataset:
        """The data set; raises ``DataError`` where it cannot be had."""
        dataset = load(self.data, data_dir=self.data_dir, binarization=self.binarization, train_on=self.train_on)
        if (channels := dataset.image_shape[-1]) not in (1, 3):
            raise DataError(f"images of {counted(channels, 'channel')} in {dataset.name}: expected 1 or 3")
        return dataset


@dataclass(frozen=True, kw_only=True)
class GreyImageData(ImageData):
    """Which images; their intensities are kept, or made bits once."""

    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""


@dataclass(frozen=True, kw_only=True)
class BinaryImageData(ImageData):
    """Which images; every pixel becomes a bit."""

    binarization: Literal["none", "static", "stochastic"] = "stochastic"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use; none: in training intensities
    stand for bits, and images that are measured are rounded"""


@dataclass(frozen=True, kw_only=True)
class SceneData:
    """Which scenes: generated ones of shapes, or pictures with boxes."""

    data_dir: Path | None = None
    """a folder of pictures and boxes in COCO's format; without one scenes are generated"""
    scenes: Annotated[int, Gt(0)] = 2000
    """scenes for training"""
    held_out: Annotated[int, Gt(0)] = 250
    """scenes for validation, and half as many as for the test"""
    image_size: Annotated[int, Ge(16)] = 64
    """height and width of a scene in pixels; a picture lies in the middle with its proportions"""
    channels: Literal[1, 3] = 1
    """of a scene: grey or colours"""
    objects: Annotated[int, Gt(0)] = 4
    """most shapes in a scene"""
    least_side: Annotated[float, Ge(3)] = 8.0
    """geometric mean of a shape's sides in pixels, of the least shape"""
    most_side: Annotated[float, Ge(3)] = 28.0
    """the same of the largest"""
    pixel_noise: Annotated[float, Ge(0)] = 0.05
    """standard deviation of the noise on intensities in [0, 1]"""

    def __post_init__(self):
        if self.data_dir is None and not self.least_side <= self.most_side <= self.image_size:
            raise ValueError(
                f"--least-side {self.least_side:g}, --most-side {self.most_side:g} and --image-size {self.image_size} "
                "must not fall"
            )

    def idle(self) -> dict[str, str]:
        """What is told of generated scenes, where none are."""
        generated = ("scenes", "held_out", "objects", "least_side", "most_side", "pixel_noise")
        return dict.fromkeys(generated if self.data_dir else (), "with --data-dir")

    def load(self) -> Dataset:
        """The scenes with "box", "label" and "crowd"; generated ones have masks too. ``DataError`` as ``load_coco``."""
        if self.data_dir is not None:
            from experiments.datasets.images.coco import load_coco

            return load_coco(self.data_dir, side=self.image_size, channels=self.channels)
        from experiments.datasets.generated_scenes import shape_scenes

        return shape_scenes(
            examples=self.scenes,
            held_out=self.held_out,
            size=self.image_size,
            channels=self.channels,
            objects=self.objects,
            least=self.least_side,
            most=self.most_side,
            noise=self.pixel_noise,
        )

    def load_boxes(self) -> Dataset:
        """The scenes with boxes, labels and which of them are crowds, without masks."""
        scenes, names = self.load(), ("image", "box", "label", "crowd")
        kept = {split: {name: each[name] for name in names} for split, each in scenes.splits.items()}
        return scenes._replace(splits=kept, fingerprint=fingerprint(kept))


@dataclass(frozen=True, kw_only=True)
class TextData:
    """Which text, and the windows in which it is read."""

    data_dir: Path | None = None
    """a text file; without one, the help that ships with Python"""
    split: Literal["90/5/5", "90/10"] = "90/5/5"
    """percent that are for training, validation and test; 90/10: the last tenth is for both, as in nanoGPT"""
    train_on: Literal["train", "train+valid"] = "train"
    """train+valid: train on both"""
    length: Annotated[int, Gt(0)] = 64
    """symbols of a window that are read; its last is predicted besides"""
    stride: Annotated[int, Gt(0)] | None = None
    """places from one training window to the next; without a value the length, so that an epoch is a pass"""

    def load(self) -> Dataset:
        """The data set; raises ``DataError`` where it cannot be had."""
        return load(
            "text",
            data_dir=self.data_dir,
            train_on=self.train_on,
            length=self.length,
            stride=self.stride,
            split=self.split,
        )


@dataclass(frozen=True, kw_only=True)
class GraphData:
    """Which graph."""

    data_dir: Path | None = None
    """an .npz file of a graph, or a folder with NAME.content and NAME.cites; without one, a generated graph"""
    row_normalized: bool = True
    """divide the features of each node by their sum"""
    split_seed: Annotated[int, Ge(0), Lt(2**31)] = 0
    """which split: 0 is the graph's own, of links that of a fixed permutation; any other is a random one of the same
    sizes"""

    def load(self) -> Dataset:
        """The data set of nodes; raises ``DataError`` where it cannot be had."""
        from experiments.datasets.graphs.load import load_graph

        return load_graph(self.data_dir, row_normalized=self.row_normalized, split_seed=self.split_seed)

    def load_links(self) -> Dataset:
        """The data set of links; raises ``DataError`` where it cannot be had."""
        from experiments.datasets.graphs.links import link_dataset
        from experiments.datasets.graphs.load import load_graph

        nodes = load_graph(self.data_dir, row_normalized=self.row_normalized)
        return link_dataset(nodes, split_seed=self.split_seed)


@dataclass(frozen=True, kw_only=True)
class MoleculeData:
    """Which molecules."""

    data_dir: Path | None = None
    """a file with one SMILES a line; without one, all molecules of C, N, O and F by valence"""
    heavy_atoms: Annotated[int, Ge(2)] = 5
    """atoms but hydrogen of the largest; without a file 6 at most"""

    def load(self) -> Dataset:
        """The data set; raises ``DataError`` where it cannot be had."""
        if self.data_dir is None and self.heavy_atoms > 6:
            raise DataError(
                f"--heavy-atoms {self.heavy_atoms}: molecules are enumerated up to 6; add --data-dir FILE with a "
                "SMILES a line to read larger ones"
            )
        from experiments.datasets.molecules.load import load_molecules

        return load_molecules(self.data_dir, heavy_atoms=self.heavy_atoms)
