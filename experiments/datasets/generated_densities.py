"""Points of the plane whose density is known: two moons, rings, a checkerboard."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated

PlaneDensity = Literal["moons", "rings", "checkerboard"]
Points = Float[np.ndarray, "points 2"]
REACH = 4.0
"""Half a side of the square around 0 in which densities are looked at; beyond it they are below 10⁻⁸⁰."""
MOON_NOISE, RING_NOISE, RADII = 0.1, 0.1, (1.0, 2.0)
MOON_CENTRE = np.array([0.5, 0.25])


class Plane(NamedTuple):
    """A density on the plane."""

    draw: Callable[[np.random.Generator, int], Points]
    density: Callable[[Points], Float[np.ndarray, " points"]]


def _arcs(angle: Float[np.ndarray, " angles"]) -> Float[np.ndarray, "2 angles 2"]:
    """Places on the upper moon and on the lower one."""
    x, y = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([x, y], axis=-1), np.stack([1 - x, 0.5 - y], axis=-1)]) - MOON_CENTRE


def draw_moons(generator: np.random.Generator, count: int) -> Points:
    """Uniform on two half circles of radius 1, each beginning inside of the other, with normal noise."""
    places = _arcs(generator.uniform(0, np.pi, count))[generator.integers(0, 2, count), np.arange(count)]
    return places + generator.normal(0, MOON_NOISE, (count, 2))


def moons_density(points: Points) -> Float[np.ndarray, " points"]:
    """p(x) = ½ Σ_m 1/π ∫₀^π N(x; c_m(θ), σ² I) dθ, by Gauss's rule with 64 angles, exact to 10⁻¹²."""
    node, weight = np.polynomial.legendre.leggauss(64)
    total = np.zeros(len(points))
    for arc in _arcs(np.pi * (node + 1) / 2):
        for place, share in zip(arc, weight / 4, strict=True):
            total += share * np.exp(-((points - place) ** 2).sum(axis=1) / (2 * MOON_NOISE**2))
    return total / (2 * np.pi * MOON_NOISE**2)


def draw_rings(generator: np.random.Generator, count: int) -> Points:
    """Circles about 0, as probable as each other, the radius with normal noise."""
    radius = generator.choice(RADII, count) + generator.normal(0, RING_NOISE, count)
    angle = generator.uniform(0, 2 * np.pi, count)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def rings_density(points: Points) -> Float[np.ndarray, " points"]:
    """p(x) = 1/(2π‖x‖) 1/K Σ_k N(‖x‖; r_k, σ²) + N(−‖x‖; r_k, σ²)."""
    radius = np.maximum(np.linalg.norm(points, axis=1), 1e-12)
    of_radius = sum(np.exp(-((sign * radius - r) ** 2) / (2 * RING_NOISE**2)) for r in RADII for sign in (1, -1))
    return of_radius / (len(RADII) * np.sqrt(2 * np.pi) * RING_NOISE) / (2 * np.pi * radius)


def draw_checkerboard(generator: np.random.Generator, count: int) -> Points:
    """Uniform on the eight dark fields of a board of 4 × 4 fields of side 1."""
    row, half = generator.integers(0, 4, count), generator.integers(0, 2, count)
    corner = np.stack([2 * half + row % 2, row], axis=-1) - 2
    return corner + generator.random((count, 2))


def checkerboard_density(points: Points) -> Float[np.ndarray, " points"]:
    """p(x) = 1/8 on dark fields, 0 elsewhere."""
    field = np.floor(points).astype(int)
    dark = ((field >= -2) & (field < 2)).all(axis=1) & (field.sum(axis=1) % 2 == 0)
    return dark / 8.0


PLANES: dict[str, Plane] = {
    "moons": Plane(draw_moons, moons_density),
    "rings": Plane(draw_rings, rings_density),
    "checkerboard": Plane(draw_checkerboard, checkerboard_density),
}


def points_of(name: PlaneDensity, *, count: int) -> Dataset:
    """Draws, "point" [N, 2], and their true "log_density" in nats: a tenth as many for validation, half for tests."""
    generator, plane = np.random.Generator(np.random.Philox(0)), PLANES[name]
    splits, sizes = {}, {"train": count, "valid": count // 10, "test": count // 2}
    for split, size in sizes.items():
        drawn = plane.draw(generator, size)
        log_density = np.log(plane.density(drawn))
        splits[split] = {"point": drawn.astype(np.float32), "log_density": log_density.astype(np.float32)}
    counts = "/".join(map(str, sizes.values()))
    return generated(name, f"{name}, a density of the plane, {counts} for training, validation and tests", splits)


class Grid(NamedTuple):
    """A density at the middles of the cells of the square [−4, 4]²."""

    points: Float[np.ndarray, "rows columns 2"]
    log_density: Float[np.ndarray, "rows columns"]
    """−∞ where there is none"""

    @property
    def cell(self) -> float:
        """The area of a cell."""
        return (2 * REACH / len(self.points)) ** 2


def on_a_grid(name: PlaneDensity, *, cells: int) -> Grid:
    """The density on ``cells`` × ``cells`` cells."""
    middles = REACH * ((2 * np.arange(cells) + 1) / cells - 1)
    points = np.stack(np.meshgrid(middles, middles), axis=-1)
    with np.errstate(divide="ignore"):
        log_density = np.log(PLANES[name].density(points.reshape(-1, 2))).reshape(cells, cells)
    return Grid(points.astype(np.float32), log_density.astype(np.float32))
