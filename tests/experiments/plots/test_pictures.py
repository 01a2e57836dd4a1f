"""Every picture stands under its title in its own proportions, and no empty panel is drawn."""

import numpy as np
import pytest
from legibility import assert_legible

from experiments.plots.pictures import titled_pictures


@pytest.mark.parametrize(("count", "columns"), [(1, 2), (2, 2), (3, 3), (4, 2), (5, 3), (7, 3)])
def test_pictures_stand_in_rows_in_their_order(count, columns):
    rng = np.random.default_rng(0)
    pictures = {f"number {i}": rng.uniform(-0.5, 1.5, (4 + i, 9, 3)) for i in range(count)}
    figure = titled_pictures(pictures)
    assert_legible(figure, "pictures")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == list(pictures)
    for axes, picture in zip(panels, pictures.values(), strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), np.clip(picture, 0, 1))
        assert axes.get_aspect() == 1
    assert figure.axes[0].get_gridspec().ncols == columns
    assert len(figure.axes) % columns == 0
