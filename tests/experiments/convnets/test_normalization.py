"""Deep nets learn with residual sums, each net for itself; what is drawn and refused."""

import jax
import numpy as np
import pytest
from trained import measured, trained

from experiments.convnets.normalization.experiment import NormalizationSettings
from experiments.convnets.normalization.figures import norms_by_layer
from experiments.run.settings import configure
from models.deep_convnet import Layout

SMALL = configure(NormalizationSettings(), depths=(2, 12), steps=50)


def test_a_deep_net_learns_with_sums_and_not_without():
    run, params = trained("normalization", configure(SMALL, nets=("batch", "sum"), depths=(40,)))
    found = measured(run, params)
    assert found["sum/depth_40/error"] < 30 < 60 < found["batch/depth_40/error"]
    errors = [value for name, value in found.items() if "/" in name]
    assert found["error"] == pytest.approx(np.mean(errors), rel=1e-6)


def test_a_net_is_trained_as_it_would_be_alone():
    """In float32, after three steps of gradient descent."""
    few = configure(SMALL, optimizer="sgd", schedule="constant", steps=3)
    (_, together), (_, alone) = (
        trained("normalization", configure(few, nets=nets)) for nets in (("layer", "sum"), ("sum",))
    )
    ours, theirs = (params["params"]["sum"] for params in (together, alone))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5), ours, theirs)


def test_norms_by_layer_are_those_of_the_slices():
    layout = Layout(depths=(2, 1), width=3, growth=2, features=2)
    kernels = np.random.default_rng(0).normal(size=9 * 2 * (3 + 5 + 3))
    found = norms_by_layer(kernels, layout)
    cut = np.split(kernels, [54, 54 + 90])
    np.testing.assert_allclose(found[2], [np.linalg.norm(cut[0]), np.linalg.norm(cut[1])])
    np.testing.assert_allclose(found[1], [np.linalg.norm(cut[2])])


def test_what_no_chosen_net_has_is_idle():
    plain = configure(SMALL, nets=("plain", "sum"))
    assert plain.idle().keys() >= {"group", "statistics_decay", "growth"}
    assert not configure(SMALL, nets=("dense",)).idle().keys() & {"group", "statistics_decay", "growth"}


def test_nets_twice_and_parts_that_cut_a_group_are_refused():
    with pytest.raises(ValueError, match="--depths must name at least one, and none twice, got 2 2"):
        configure(SMALL, depths=(2, 2))
    with pytest.raises(ValueError, match="with --accumulate 4 a part of a batch has 16 examples, of which 64"):
        configure(SMALL, accumulate=4)
    configure(SMALL, accumulate=4, nets=("layer",))
