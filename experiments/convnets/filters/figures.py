"""Pictures of layers, of what they learn, and of what they cost."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments.convnets.filters.lessons import LESSONS
from experiments.convnets.filters.pictures import LAYERS, picture, seen
from experiments.plots.canvas import PALETTE, light_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 4
"""windows of a kernel that are drawn"""


def layers() -> "Figure":
    """Columns: the layers. Rows: the output, the adjoint of the output, the matrix on 8 × 8 pixels, the costs."""
    from matplotlib.figure import Figure

    colours = picture()
    shown = seen(colours)
    figure = Figure(figsize=(1.62 * (len(shown) + 1), 5.6), dpi=120, layout="constrained")
    grid = figure.subplots(3, len(shown) + 1)
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
    grid[0, 0].imshow(colours)
    grid[0, 0].set_title("the picture", fontsize=9)
    for axes, words in zip(grid[:, 0], ("output →", "adjoint of it →", "matrix →"), strict=True):
        axes.set_ylabel(words, fontsize=9)
    for axes in grid[1:, 0]:
        axes.spines[:].set_visible(False)
    for column, (name, (output, back, matrix)) in zip(grid.T[1:], shown.items(), strict=True):
        column[0].set_title(name, fontsize=9)
        _image(column[0], output)
        _image(column[1], back)
        largest = np.abs(matrix).max()
        column[2].imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest", aspect="auto")
        cost = LAYERS[name].cost(colours.shape[:2], output.shape[:2], back.shape[-1])
        column[0].set_xlabel(f"{output.shape[0]} × {output.shape[1]}", fontsize=8)
        column[1].set_xlabel(f"{back.shape[0]} × {back.shape[1]} × {back.shape[2]}", fontsize=8)
        column[2].set_xlabel(
            f"{matrix.shape[0]} × {matrix.shape[1]}\n{cost.parameters:,} weights\n{cost.multiply_adds:,} products",
            fontsize=8,
        )
    return figure


def _image(axes: "Axes", image: np.ndarray) -> None:
    """Grey from the least to the largest value; with negative ones from blue over white to red; or in colour."""
    if image.shape[-1] == 3:
        image = (image - image.min()) / np.ptp(image)
        axes.imshow(image, interpolation="nearest")
    elif image.min() < 0:
        largest = np.abs(image).max()
        axes.imshow(image[..., 0], cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    else:
        axes.imshow(image[..., 0], cmap="gray", interpolation="nearest")


def windows(kernel: np.ndarray) -> list[np.ndarray]:
    """Some windows of a kernel as images: of several features, or of positions from the left to the right."""
    match kernel.ndim:
        case 1:  # with a bias
            return [kernel[:-1].reshape(2, 2)]
        case 6:
            places = np.linspace(0, kernel.shape[1] - 1, MOST).astype(int)
            return [kernel[0, place, :, :, 0, 0] for place in places]
        case _:
            return [kernel[:, :, 0, feature] for feature in range(kernel.shape[-1])]


def kernels(learnt: Mapping[str, np.ndarray]) -> "Figure":
    """For every lesson the best kernel over the learnt one: white is 0, red positive, blue negative."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 7.2), dpi=120, layout="constrained")
    wide, narrow = figure.subfigures(1, 2, width_ratios=(4, 3))
    several = [name for name in learnt if len(windows(LESSONS[name].best)) > 1]
    single = [name for name in learnt if name not in several]
    blocks = [*wide.subfigures(len(several), 1), *narrow.subfigures(-(-len(single) // 2), 2).ravel()]
    for block, name in zip(blocks, several + single, strict=False):
        best = windows(LESSONS[name].best)
        largest = np.abs(best).max()
        block.suptitle(LESSONS[name].words.replace(" ← ", "\n← "), fontsize=8)
        grid = block.subplots(2, len(best), squeeze=False)
        for row, label, shown in zip(grid, ("best", "learnt"), (best, windows(learnt[name])), strict=True):
            row[0].set_ylabel(label, fontsize=8)
            for axes, window in zip(row, shown, strict=True):
                axes.imshow(window, cmap="RdBu_r", vmin=-largest, vmax=largest)
                axes.set(xticks=[], yticks=[])
    return figure


def errors(reached: Mapping[str, float]) -> "Figure":
    """The error of each layer on the test images, and the least that its kind can have."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 0.9 + 0.36 * len(reached)), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(reached))
    least = [LESSONS[name].least_error for name in reached]
    axes.plot(least, places, "|", markersize=16, markeredgewidth=2, color=PALETTE[6], label="least, in closed form")
    axes.plot(list(reached.values()), places, "o", color=PALETTE[0], label="after training")
    axes.set_yticks(places, [LESSONS[name].words for name in reached], fontsize=9)
    axes.set_xscale("symlog", linthresh=1e-3)
    axes.set(xlabel="mean squared error of an output, on white noise of variance 1", xlim=(-1e-4, 3))
    axes.invert_yaxis()
    light_grid(axes)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    return figure
