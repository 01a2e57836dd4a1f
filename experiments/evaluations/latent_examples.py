"""What a latent space looks like: examples of what ``latent_geometry.py`` measures, and a plane of codes as a chart."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from experiments.datasets.generated import SHAPE_FACTORS
from experiments.evaluations.codec import Codec, Codes, Images, Rows
from experiments.evaluations.latent_geometry import (
    RADII,
    boundary_codes,
    curves_between,
    decode_one,
    parallelogram_analogies,
    parallelograms,
    samples_at,
    stitched_reconstructions,
    with_next_label,
)
from losses.metrics.disentanglement import mutual_information
from models.chart import curve_length, magnification
from models.latent import linear_interpolation, spherical_interpolation

Examples = dict[str, Array]
Pairs = Int[Array, "pairs 2"]
SHOWN = 12
SIDE = 60
"""Points of the plane at which the metric is shown, each way."""


class Chart(NamedTuple):
    """A plane of codes with the geometry that its decoder gives it."""

    codes: Float[Array, "images 2"]
    across: Float[Array, " side"]
    up: Float[Array, " side"]
    magnification: Float[Array, "side side"]
    curves: dict[str, Float[Array, "curves points 2"]]
    """straight lines, and geodesics between the same ends"""
    lengths: dict[str, Float[Array, " curves"]]
    decoded: dict[str, Float[Array, "curves points height width channels"]]


def far_apart(codes: Float[np.ndarray, "images latent"]) -> Int[np.ndarray, "pairs 2"]:
    """Pairs among forty codes: each in turn with the most distant that is left, none twice."""
    left, pairs = list(range(0, len(codes), -(-len(codes) // 40))), []
    while len(left) > 1:
        one = left.pop(0)
        pairs.append((one, left.pop(int(np.linalg.norm(codes[left] - codes[one], axis=1).argmax()))))
    return np.array(pairs, np.int32)


def samples_and_stitches(
    first: Codec, second: Codec, support: Images, images: Images, key: Key[Array, ""]
) -> dict[str, Rows]:
    """Samples at distances from the prior's mode, and reconstructions by two models and by one's encoder with the
    other's decoder.
    """
    shown = images[:SHOWN]
    sample_key, map_key = jax.random.split(key)
    codes, radii = first.encode(shown), (*RADII.values(), 6.0)
    reconstructed = stitched_reconstructions(first, second, support, shown, map_key)
    return {
        "samples": Rows((f"{radius:g} √k", samples_at(first, codes, sample_key, radius)) for radius in radii),
        "stitching": Rows({"original": shown} | reconstructed),
    }


def interpolations(codec: Codec, images: Images, codes: Codes, pairs: Pairs) -> Rows:
    """Between two images: straight lines and great circles of their codes, and one fading into the other."""
    fractions = jnp.linspace(0.0, 1.0, SHOWN)
    rows = Rows()
    for number in range(len(pairs)):
        one, other = codes[pairs[number]]
        for name, between in (("linear", linear_interpolation), ("spherical", spherical_interpolation)):
            rows[f"{name} {number + 1}"] = codec.decode(jax.vmap(between, (None, None, 0))(one, other, fractions))
        start, end = images[pairs[number]]
        rows[f"pixels {number + 1}"] = jax.vmap(linear_interpolation, (None, None, 0))(start, end, fractions)
    return rows


def label_examples(
    codec: Codec, codes: Codes, pairs: Pairs, test: Examples, train: Examples, *, classes: int
) -> dict[str, Rows]:
    """Images, and what they become when their code is given the mean of the next label instead of their own; and where
    a nearest-neighbour classifier changes its mind on the way from one code to another.
    """
    shown = codes[:SHOWN]
    moved, _ = with_next_label(codec, shown, test["label"][:SHOWN], train, classes=classes)
    starts, ends = codes[pairs[:, 0]], codes[pairs[:, 1]]
    rows = {"start": starts, "boundary": boundary_codes(codec, starts, ends, train), "end": ends}
    return {
        "analogies": Rows(
            (
                ("original", test["image"][:SHOWN]),
                ("reconstruction", codec.decode(shown)),
                ("next label", codec.decode(moved)),
            )
        ),
        "boundaries": Rows((name, codec.decode(row)) for name, row in rows.items()),
    }


def factor_examples(codec: Codec, codes: Codes, images: Images) -> dict[str, Rows]:
    """Arithmetic on the codes of discs: first − second + third, and the image that it is of; and each dimension of the
    code moved from one end of its range to the other, all others at their mean.
    """
    decoded, _, fourth = parallelogram_analogies(codec, images)
    first, second, third = (images[corner][:SHOWN] for corner in parallelograms()[:3])
    low, high = codes.min(axis=0), codes.max(axis=0)

    def traversal(dimension: int) -> Images:
        values = jnp.linspace(low[dimension], high[dimension], SHOWN)
        return codec.decode(jnp.tile(codes.mean(axis=0), (SHOWN, 1)).at[:, dimension].set(values))

    return {
        "factor_analogies": Rows(
            (("a", first), ("− b", second), ("+ c", third), ("decoded", decoded[:SHOWN]), ("truth", fourth[:SHOWN]))
        ),
        "traversals": Rows((f"latent {dimension}", traversal(dimension)) for dimension in range(codes.shape[1])),
    }


def shared_information(codes: Codes, factors: Int[Array, "images factors"]) -> Float[Array, "latent factors"]:
    """What share of each factor's entropy each dimension of the code tells."""
    information = mutual_information(codes, factors, values=max(SHAPE_FACTORS.values()))
    return information / jnp.log(jnp.asarray(list(SHAPE_FACTORS.values()), codes.dtype))


def chart_of(plane: Codec, codes: Codes, pairs: Pairs, *, steps: int) -> Chart:
    """The plane around the codes: how much the decoder magnifies it, and shortest curves between some of them."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)
    across, up = (jnp.linspace(low[axis], high[axis], SIDE) for axis in (0, 1))
    grid = jnp.stack(jnp.meshgrid(across, up), axis=-1).reshape(-1, 2)
    volumes = jax.lax.map(partial(magnification, decode_one(plane)), grid, batch_size=SIDE)
    curves = curves_between(plane, codes[pairs[:, 0]], codes[pairs[:, 1]], steps=steps)
    named = dict(zip(("straight", "geodesic"), curves, strict=True))
    lengths = {name: jax.vmap(partial(curve_length, decode_one(plane)))(points) for name, points in named.items()}
    decoded = {name: jax.vmap(plane.decode)(points) for name, points in named.items()}
    return Chart(codes, across, up, volumes.reshape(SIDE, SIDE), named, lengths, decoded)
