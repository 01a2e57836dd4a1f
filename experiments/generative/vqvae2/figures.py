"""Digits drawn from two levels of codes, and what each level holds."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.plots.images import image_grid, image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Images = Float[Array, "images height width channels"]


def rows_of_classes(images: Images, independent: Images, of_each: int) -> "Figure":
    """A row a class: on the left images of the prior's codes, on the right of codes drawn position by position."""
    halves = [np.asarray(each).reshape(-1, of_each, *each.shape[1:]) for each in (images, independent)]
    rows = np.concatenate(halves, axis=1)
    return image_grid(rows.reshape(-1, *rows.shape[2:]), columns=2 * of_each, title="learnt prior | independent codes")


def what_levels_hold(images: Images, both: Images, top: Images, bottom: Images) -> "Figure":
    """Held-out images, and what is decoded of their codes where those of a level are replaced by their mean."""
    rows = {"original": images, "both levels": both, "top alone": top, "bottom alone": bottom}
    return image_rows(rows, title="images by level of codes")
