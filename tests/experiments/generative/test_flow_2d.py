"""A trained flow of the plane: draws, grid and samples tell of one density."""

from functools import partial

import jax
import numpy as np
import pytest
from trained import measured, trained

from experiments.generative.flow_2d.experiment import EXPERIMENT, FlowOptions, PlaneFlowSettings
from experiments.objectives.flow import log_densities
from experiments.run.settings import configure

SETTINGS = configure(PlaneFlowSettings(), steps=400, depth=4, widths=(16,), count=4000, grid=200)


@pytest.fixture(scope="module")
def ran():
    return trained("flow_2d", SETTINGS)


def test_draws_and_grid_agree_on_what_is_exact(ran):
    run, params = ran
    found = measured(run, params)
    assert found["grid/mass"] == pytest.approx(1, abs=2e-3)
    true = run.dataset.splits["test"]["log_density"]
    assert found["grid/entropy"] == pytest.approx(-true.mean(), abs=4 * true.std() / np.sqrt(len(true)))
    assert found["loss"] == pytest.approx(found["grid/nll"], abs=0.06)  # four standard errors of 2,000 draws
    assert found["excess"] == pytest.approx(found["grid/kl"], abs=0.04)
    assert found["grid/kl"] == pytest.approx(found["grid/nll"] - found["grid/entropy"], abs=1e-5)


def test_it_beats_the_gaussian_of_the_datas_moments(ran):
    """Whose cross-entropy is its entropy: the best that a flow without couplings can do."""
    run, params = ran
    covariance = np.cov(run.dataset.splits["train"]["point"].T)
    gaussian = np.log(2 * np.pi * np.e) + 0.5 * np.linalg.slogdet(covariance)[1]
    assert measured(run, params)["grid/nll"] < gaussian - 0.2


def test_the_log_density_of_a_sample_is_that_of_its_point(ran):
    run, params = ran
    params = jax.tree.map(lambda leaf: leaf[0], params)
    draw = EXPERIMENT.sampler.draw(SETTINGS, run.dataset, FlowOptions(temperature=0.8), params)
    drawn = jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), 50))
    model = EXPERIMENT.network(SETTINGS, run.dataset)
    again = jax.jit(partial(log_densities, model.apply, params))(drawn["point"])
    np.testing.assert_allclose(again, drawn["log_density"], atol=1e-3)  # there and back in single precision
