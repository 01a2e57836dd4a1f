"""Densities that hold 1, and the draws that they are said to be of."""

import numpy as np
import pytest
import scipy.stats

from experiments.datasets.generated_densities import PLANES, REACH, draw_moons, moons_density, on_a_grid, points_of

EVERY = pytest.mark.parametrize("name", PLANES)


@EVERY
def test_it_integrates_to_one(name):
    grid = on_a_grid(name, cells=320)
    assert np.exp(grid.log_density.astype(np.float64)).sum() * grid.cell == pytest.approx(1, abs=1e-5)


@EVERY
def test_draws_fall_into_cells_as_the_density_says(name):
    """The χ² of 8,000 draws in cells of side ½, those of few draws together."""
    fine = on_a_grid(name, cells=320)
    expected = 8000 * fine.cell * np.exp(fine.log_density.astype(np.float64)).reshape(16, 20, 16, 20).sum(axis=(1, 3))
    points = points_of(name, count=8000).splits["train"]["point"]
    column, row = np.floor((points + REACH) * 2).astype(int).T
    found = np.zeros((16, 16))
    np.add.at(found, (row, column), 1)
    often = expected > 5
    pairs = [np.append(each[often], each[~often].sum() + 1e-9) for each in (found, expected * 8000 / expected.sum())]
    assert found[expected == 0].sum() == 0
    statistic = ((pairs[0] - pairs[1]) ** 2 / pairs[1]).sum()
    assert scipy.stats.chi2(often.sum()).sf(statistic) > 1e-3


@EVERY
def test_what_is_said_of_its_draws_is_its_entropy(name):
    grid, draws = on_a_grid(name, cells=320), points_of(name, count=20_000).splits["train"]["log_density"]
    log_density = grid.log_density[np.isfinite(grid.log_density)].astype(np.float64)
    entropy = -(np.exp(log_density) * log_density).sum() * grid.cell
    assert -draws.mean() == pytest.approx(entropy, abs=4 * draws.std() / np.sqrt(len(draws)) + 1e-5)


def test_the_moons_are_scikit_learns():
    """Its 2,000 points without noise lie on our arcs, and with noise are as probable as ours."""
    from sklearn.datasets import make_moons

    theirs, _ = make_moons(2000, noise=0.1, random_state=0)
    ours = draw_moons(np.random.default_rng(0), 2000)
    densities = [np.log(moons_density(points)) for points in (theirs - [0.5, 0.25], ours)]
    assert scipy.stats.ks_2samp(*densities).pvalue > 1e-3
