"""Proposals of every scene of a data set, by selective search."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from jaxtyping import Array, Float

from experiments.datasets import Dataset, fingerprint
from experiments.datasets.selective_search import Measure, propose
from experiments.datasets.sliding_windows import sliding_windows
from experiments.run.settings import Count
from train.optimizers import Positive

STRATEGIES: tuple[tuple[Measure, ...], ...] = (("colour", "texture", "size", "fill"), ("texture", "size", "fill"))
"""The measures that the paper's fast form sums, one hierarchy each. Uijlings et al. 2013, table 5."""
LEAST_SIDE = 3
RATIOS = (0.5, 1.0, 2.0)
STEP = 0.25
"""Of a sliding window's sides, from one to the next."""


@dataclass(frozen=True, kw_only=True)
class SelectiveSearch:
    """How pictures are cut into regions, and how many of their boxes are kept."""

    proposals: Count = 64
    """boxes of a scene at most"""
    region_scale: Positive = 0.3
    """the larger, the larger are the first regions; k in Felzenszwalb & Huttenlocher 2004"""
    least_region: Annotated[int, Gt(0)] = 12
    """pixels of the least of the first regions"""

    def boxes(self, number: int, image: Float[np.ndarray, "height width channels"]) -> Float[np.ndarray, "boxes 4"]:
        """Of a scene, which its number ranks, the first boxes; zeros beyond the last."""
        found = propose(
            np.random.Generator(np.random.Philox(number)),
            image.astype(np.float64),
            strategies=STRATEGIES,
            scale=self.region_scale,
            least=self.least_region,
            least_side=LEAST_SIDE,
        )[: self.proposals]
        return np.concatenate([found, np.zeros((self.proposals - len(found), 4))]).astype(np.float32)

    def add_to(self, scenes: Dataset) -> Dataset:
        """The scenes that also have "proposal" [proposals, 4]."""
        splits = {
            split: each | {"proposal": np.stack([self.boxes(i, image) for i, image in enumerate(each["image"])])}
            for split, each in scenes.splits.items()
        }
        protocol = f"{scenes.protocol}, {self.proposals} proposals at most by selective search"
        return scenes._replace(protocol=protocol, splits=splits, fingerprint=fingerprint(splits))


def there(proposals: Float[Array, "*proposals 4"]) -> Array:
    """Which proposals are no filling."""
    return proposals[..., 2] > proposals[..., 0]


def windows_for(image: tuple[int, int], *, least: float, most: float) -> Float[np.ndarray, "windows 4"]:
    """Windows of sides from the least to the most, by factors of √2."""
    count = 1 + int(np.ceil(2 * np.log2(most / least) - 1e-9))
    sides = np.geomspace(least, most, count) if count > 1 else [least]
    return sliding_windows(image, sides=list(sides), ratios=RATIOS, step=STEP).astype(np.float32)
