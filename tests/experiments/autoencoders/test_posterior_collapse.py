"""Four nets side by side: each is trained as it would be alone, and measured as it would be alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.posterior_collapse.experiment import (
    EXPERIMENT,
    NETS,
    PosteriorCollapseSettings,
    evaluate_whole,
    task,
)
from experiments.cli.flags import parse_flags
from experiments.datasets.dataset import Dataset
from experiments.errors import WrongInput
from experiments.objectives.evidence_bounds import count_active_units
from experiments.objectives.observation import identity
from experiments.objectives.variational import network, variational_task
from experiments.run.settings import configure

SMALL = {"widths": (4,), "latent": 2, "binarization": "none", "batch_size": 8, "training_samples": 2}


def noise():
    images = np.random.default_rng(0).uniform(size=(20, 2, 3, 1)).astype(np.float32)
    splits = {split: {"image": images} for split in ("train", "valid", "test")}
    return Dataset("noise", "noise", "none", splits, levels=2)


def small(**fields):
    return configure(PosteriorCollapseSettings(), SMALL | fields)


def test_each_net_is_trained_as_it_would_be_alone():
    """A step in which the warm-up is half over, from the same weights and keys."""
    settings, dataset = small(beta_warmup=4, free_bits=0.3), noise()
    together = task(settings, dataset)
    state = together.init(jax.random.key(0))._replace(step=jnp.asarray(2))
    batch = jax.tree.map(jnp.asarray, dataset.head("train", 8))
    stepped, metrics = jax.jit(together.step)(state, batch)
    moved = {}
    for net in NETS:
        alone = variational_task(settings.of_net(net), dataset)
        begun = alone.init(jax.random.key(0))._replace(step=jnp.asarray(2))
        jax.tree.map(np.testing.assert_array_equal, begun.params, state.params[net])
        expected, measured = jax.jit(alone.step)(begun, batch)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), stepped.params[net], expected.params
        )
        np.testing.assert_allclose(metrics[f"{net}/loss"], measured["loss"], rtol=1e-5)
        moved[net] = float(measured["loss"])
    assert len(set(moved.values())) == len(NETS)


def test_active_units_are_counted_by_net():
    settings, dataset = small(nets=("plain", "iwae")), noise()
    params = task(settings, dataset).init(jax.random.key(0)).params
    params = params | {"iwae": jax.tree.map(jnp.zeros_like, params["iwae"])}
    images, measure, _ = evaluate_whole(settings, dataset)
    found = measure(params, jnp.asarray(images), jax.random.key(0))
    alone = count_active_units(network(settings, dataset).apply, identity, images).measure
    expected = alone(params["plain"], jnp.asarray(images), jax.random.key(0))["active_units"]
    assert found == {"plain/active_units": expected, "iwae/active_units": 0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nets": ("plain", "plain")}, "none twice"),
        ({"nets": ()}, "at least one net"),
        ({"accumulate": 2}, "--free-bits is a function of the whole batch"),
        ({"likelihood": "gaussian", "binarization": "static"}, "add --binarization none"),
    ],
)
def test_what_does_not_hold_together_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        small(**fields)


def test_nets_without_free_bits_accumulate():
    assert small(nets=("plain", "warmup"), accumulate=2).parts == 2


def test_what_belongs_to_another_net_has_no_effect():
    with pytest.raises(WrongInput, match="--beta-warmup has no effect without warmup among --nets"):
        parse_flags(EXPERIMENT.settings(), ["--nets", "plain", "--beta-warmup", "7"], prog="lectern run")
