"""A normalised network learns, classifies each image by itself, and is cut into parts only along its groups."""

import jax
import numpy as np
import pytest
from trained import assert_same_at_every_evaluation_batch, trained

from experiments.convnets.convnet.experiment import EXPERIMENT, ConvNetSettings
from experiments.datasets import DataError
from experiments.run.settings import configure
from models.convnets.pattern import Convolution, Dense
from train.trainable import count_parameters

PATTERN = "CONV 8 stride 2 unbiased → BN → RELU → CONV 16 stride 2 unbiased → BN → RELU → POOL average all → FC"
SMALL = configure(ConvNetSettings(), pattern=PATTERN, batch_size=64, steps=150)


def test_it_learns_and_an_image_is_measured_by_itself():
    run, params = trained("convnet", SMALL)
    found = assert_same_at_every_evaluation_batch(run, params)
    assert found["error"] < 15  # by chance 90
    statistics = jax.tree.leaves(params["batch_stats"])
    assert all(np.isfinite(leaf).all() and np.ptp(leaf) > 0 for leaf in statistics)


def test_groups_make_a_batch_in_parts_the_whole_batch():
    """In float32, after three steps of gradient descent."""
    small = configure(SMALL, optimizer="sgd", steps=3, group=16)
    (_, whole), (_, parts) = trained("convnet", small), trained("convnet", configure(small, accumulate=4))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5), parts, whole)


def test_parts_that_cut_a_group_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"with --accumulate 4 a part of a batch has 16 examples.*add --group"):
        configure(SMALL, accumulate=4)
    configure(SMALL, accumulate=4, group=8)


def test_running_statistics_are_not_counted():
    run, params = trained("convnet", configure(SMALL, steps=1))

    counted = count_parameters(params, run.task().trainable)
    assert counted == 9 * 8 + 2 * 8 + 9 * 8 * 16 + 2 * 16 + 16 * 10 + 10
    assert EXPERIMENT.network(run.settings, run.dataset).classes == 10


def test_without_normalisation_a_batch_may_be_cut_anywhere():
    plain = configure(SMALL, pattern="CONV 4 → RELU → POOL → FC", accumulate=4)
    assert plain.idle().keys() >= {"group", "statistics_decay"}
    assert not configure(SMALL).idle().keys() & {"group", "statistics_decay"}


def test_a_pattern_that_is_none_or_does_not_fit_is_a_line():
    with pytest.raises(ValueError, match=r"^--pattern: 'CONF 3' is no layer: did you mean CONV\?$"):
        configure(SMALL, pattern="CONF 3 → FC")
    settings = configure(SMALL, pattern="[CONV 4 → RELU → POOL]*4 → FC")
    with pytest.raises(DataError, match=r"^--pattern on images of digits: POOL does not fit a volume of 1 × 1 × 4$"):
        EXPERIMENT.data(settings)


def test_a_published_net_is_a_pattern_by_name():
    net = configure(SMALL, pattern="vgg16").architecture.classifier(1000, 0)
    assert sum(isinstance(layer, Convolution | Dense) for layer in net.layers) == 16
