"""Data sets that are computed, not read: they need no folder and no network."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from experiments.datasets.dataset import Dataset
from experiments.datasets.hashing import fingerprint
from experiments.datasets.sources import Examples

# In the order of their tables: the values at 00, 01, 10 and 11 are the digits of the number from 0 to 15.
BooleanFunction = Literal[
    "false", "and", "first_only", "first", "second_only", "second", "xor", "or", "nor", "xnor", "not_second",
    "second_implies_first", "not_first", "first_implies_second", "nand", "true",
]  # fmt: skip
BITS = np.array(list(product((0, 1), repeat=2)), np.float32)
TRUTH_TABLES = {
    name: np.array(values, np.float32)
    for name, values in zip(get_args(BooleanFunction), product((0, 1), repeat=4), strict=True)
}
Points = Float[np.ndarray, " points"]


def generated(name: str, protocol: str, splits: dict[str, Examples], *, classes: int = 0, context: Any = ()) -> Dataset:
    """The data set of these splits and this context, with the fingerprint of their bytes."""
    return Dataset(name, protocol, fingerprint(splits, context), splits, classes=classes, context=context)


def truth_tables(names: Sequence[BooleanFunction]) -> Dataset:
    """Tables of Boolean functions: "inputs" [rows, 2] and "targets" [rows, functions].

    An example for training is one row; the only example for validation and test is the table of all four.
    """
    targets = np.stack([TRUTH_TABLES[name] for name in names], axis=1)
    whole = {"inputs": BITS[None], "targets": targets[None]}
    splits = {"train": {"inputs": BITS[:, None], "targets": targets[:, None]}, "valid": whole, "test": whole}
    which = f"{len(names)} Boolean functions" if len(names) > 1 else names[0]
    return generated("truth tables", f"{which} of two inputs, all 4 rows", splits)


def wave(x: Points) -> Points:
    """An oscillation whose frequency rises fourfold and whose amplitude doubles between 0 and 1.

    ½ + ½ sin(2π (x + 3x²/2)) (1 + x)/2
    """
    return 0.5 + 0.25 * np.sin(2 * np.pi * (x + 1.5 * x**2)) * (1 + x)


def weierstrass(x: Points, *, terms: int = 6) -> Points:
    """The first terms of a function that is continuous and nowhere differentiable, scaled to [0, 1].

        (1 + Σ_n 2⁻ⁿ cos(3ⁿ 2πx) / Σ_n 2⁻ⁿ) / 2

    Weierstrass 1872; Hardy 1916 for these constants.
    """
    weights = 0.5 ** np.arange(terms)
    waves = np.cos(2 * np.pi * 3.0 ** np.arange(terms) * x[:, None])
    return (1 + waves @ weights / weights.sum()) / 2


def sawtooth(x: Points, *, foldings: int) -> Points:
    """The tent map  t(x) = 1 − |2x − 1|  applied ``foldings`` times: 2^foldings pieces of equal length between 0 and 1.

    Telgarsky 2016.
    """
    for _ in range(foldings):
        x = 1 - np.abs(2 * x - 1)
    return x


def on_the_unit_interval(target: str, *, foldings: int) -> Dataset:
    """Values of the function "target" and of the "sawtooth" at every "point".

    Training points are the middles of 4,096 equal parts of [0, 1], validation points lie at random, and the only
    example of the test split is the whole grid of 4,097 points, on which the sawtooth's corners lie.
    """
    functions = {"wave": wave, "weierstrass": weierstrass, "sawtooth": partial(sawtooth, foldings=foldings)}
    points = {
        "train": (np.arange(4096) + 0.5) / 4096,
        "valid": np.random.Generator(np.random.Philox(0)).random(512),
        "test": np.arange(4097) / 4096,
    }
    splits = {
        split: {
            name: values.astype(np.float32)
            for name, values in (("point", x), ("target", functions[target](x)), ("sawtooth", functions["sawtooth"](x)))
        }
        for split, x in points.items()
    }
    splits["test"] = {name: values[None] for name, values in splits["test"].items()}
    return generated(target, f"{target} on [0, 1], and a sawtooth of {2**foldings} pieces; 4,097 grid points", splits)


SHAPE_FACTORS = {"column": 10, "row": 10, "size": 6}
"""What varies in the images of ``shapes``, and how many values it takes."""


def shapes() -> Dataset:
    """A disc on 16 × 16 pixels, in all combinations of its place and size: "image" and the numbers of its "factors".

    Centres lie on pixels 3 to 12, radii are 1.5 to 4 pixels; a pixel's value is the part of it that the disc covers, as
    nearly as its centre tells. Of the 600 images 500 are for training and 100 for validation; the test split is all of
    them, in the order of the factors. The idea is that of dSprites (Matthey et al. 2017), in small.
    """
    counts = tuple(SHAPE_FACTORS.values())
    factors = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, len(counts))
    columns, rows, sizes = factors.T[:, :, None, None]
    pixel = np.arange(16)
    distance = np.hypot(pixel[:, None] - (rows + 3), pixel[None, :] - (columns + 3))
    images = np.clip(1.5 + sizes / 2 + 0.5 - distance, 0, 1)[..., None]
    everything = {"image": images.astype(np.float32), "factors": factors.astype(np.int32)}
    order = np.random.Generator(np.random.Philox(0)).permutation(len(factors))
    splits = {
        split: {name: array[which] for name, array in everything.items()}
        for split, which in (("train", order[:500]), ("valid", order[500:]), ("test", np.arange(len(factors))))
    }
    return generated("shapes", "discs of 10 × 10 places and 6 sizes: 500/100/600, intensities in [0, 1]", splits)


def mixture_of_gaussians(
    weights: Sequence[float], means: Sequence[float], deviations: Sequence[float], *, count: int = 4096
) -> Dataset:
    """Draws of a mixture on the line, "value": ``count`` for training, a quarter for validation and one for tests.

    p(x) = Σ_k w_k N(x; m_k, s_k²)
    """
    generator = np.random.Generator(np.random.Philox(0))
    splits = {}
    for split, size in (("train", count), ("valid", count // 4), ("test", count // 4)):
        which = generator.choice(len(weights), size, p=np.asarray(weights))
        drawn = generator.normal(np.asarray(means)[which], np.asarray(deviations)[which])
        splits[split] = {"value": drawn.astype(np.float32)}
    parts = " + ".join(f"{w:g} N({m:g}, {s:g}²)" for w, m, s in zip(weights, means, deviations, strict=True))
    return generated("mixture", f"{count} draws of {parts}", splits)


def white_noise(shape: Sequence[int], *, count: int = 4096) -> Dataset:
    """Images of independent standard normal pixels, "image": ``count`` for training, a quarter for either other split.

    The covariance of such images is the identity, so a linear map A of them has the mean square ‖A‖².
    """
    generator = np.random.Generator(np.random.Philox(0))
    sizes = {"train": count, "valid": count // 4, "test": count // 4}
    splits = {split: {"image": generator.standard_normal((size, *shape), np.float32)} for split, size in sizes.items()}
    return generated(
        "white noise", f"{count}/{count // 4}/{count // 4} images of {shape} standard normal numbers", splits
    )
