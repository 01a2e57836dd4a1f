"""Diffusions learn what they are said to learn, and what is asked of samplers in vain is refused."""

import pytest
from trained import metrics_of_run

from experiments.datasets.generated_mixtures import MIXTURES
from experiments.errors import WrongInput
from experiments.networks.diffusion import Diffusion, GuidedSampling
from experiments.objectives.diffusion import DenoisingOptions


def test_options_without_a_value_are_the_runs():
    evaluated = GuidedSampling(sampler="ddpm", sampling_steps=7, guidance=2.0)
    assert DenoisingOptions().sampling(Diffusion(), evaluated) == evaluated
    found = DenoisingOptions(steps=5, sampler="ddim", eta=1.0).sampling(Diffusion(), evaluated)
    assert found == GuidedSampling(sampler="ddim", sampling_steps=5, eta=1.0, guidance=2.0)
    with pytest.raises(WrongInput, match=r"--steps 11: there are --noise-steps 10; take as many at most"):
        DenoisingOptions(steps=11).sampling(Diffusion(noise_steps=10), evaluated)


def test_a_linear_schedule_of_few_steps_is_refused():
    with pytest.raises(ValueError, match=r"--noise-steps 20 are too few for --noise-schedule linear: take 21 at least"):
        Diffusion(noise_schedule="linear", noise_steps=20)


@pytest.mark.slow
@pytest.mark.parametrize("density", MIXTURES)
def test_a_network_comes_near_the_best_denoiser_on_a_line(density, numbers_alone, tmp_path):
    found = metrics_of_run("diffusion_1d", tmp_path, density=density, steps=3000)
    assert found["regret"] < 0.01
    assert found["network/wasserstein"] < 0.1


@pytest.mark.slow
def test_points_lie_where_the_moons_are(numbers_alone, tmp_path):
    found = metrics_of_run("diffusion_2d", tmp_path, steps=4000)
    assert found["drawn/precision"] > 85
    assert found["drawn/recall"] > 90


@pytest.mark.slow
def test_digits_are_what_was_asked_for(numbers_alone, tmp_path):
    found = metrics_of_run("diffusion_digits", tmp_path, steps=800, samples=100)
    assert found["classifier_accuracy"] > 85
    assert found["nearest"] > 0.05
