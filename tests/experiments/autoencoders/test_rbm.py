"""Machines small enough to enumerate, trained by the experiment's task; their exact likelihood is the judge."""

from itertools import pairwise, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from experiments.autoencoders.rbm.experiment import (
    RBMSettings,
    chain_rows,
    evaluate,
    evaluate_whole,
    free_energies,
    monitor,
    task,
    training_bits,
    visible_bits,
    visible_units,
)
from experiments.datasets import Dataset
from experiments.objectives.contrastive_divergence import reconstruction_error
from experiments.run.settings import configure, flat_fields
from models.rbm import RBM, free_energy
from models.rbm_partition import log_likelihood, log_partition
from train.evaluation import whole_set_key
from train.mesh import data_parallel, device_mesh, fully_sharded
from train.transforms import accumulate

BITS = np.array(list(product([0.0, 1.0], repeat=4)))
BOTH = pytest.mark.parametrize("persistent", [False, True])


def dataset_of(images, dtype=np.float32):
    """The same images in all splits."""
    images = np.asarray(images, dtype).reshape(len(images), 2, -1, 1)
    return Dataset("planted", "", "", {split: {"image": images} for split in ("train", "valid", "test")})


def settings_of(**fields):
    return configure(RBMSettings(), fields, binarization="static")


def train(settings, dataset, steps, seed=0):
    """The last state, and the parameters before the first step; batches are drawn with replacement."""
    size = settings.loop.batch_size
    trained, images = task(settings, dataset), jnp.asarray(dataset.splits["train"]["image"])

    def step(state, key):
        rows = jax.random.randint(key, (size,), 0, len(images))
        return trained.step(state, {"image": images[rows]})

    start = trained.init(jax.random.key(seed))
    state, _ = jax.jit(lambda state: jax.lax.scan(step, state, jax.random.split(jax.random.key(99), steps)))(start)
    return state, start.params


def exact_nll(rbm, images):
    visible = jnp.asarray(images).reshape(len(images), -1)
    return -np.mean(jax.vmap(log_likelihood, (None, 0, None))(rbm, visible, log_partition(rbm)))


def nll_of_independent_pixels(train_images, images):
    means = np.clip(np.mean(train_images, axis=0), 0.01, 0.99)
    return -scipy.stats.bernoulli(means).logpmf(images).reshape(len(images), -1).sum(axis=1).mean()


@BOTH
def test_training_reaches_the_entropy_of_a_distribution_of_four_bits(persistent):
    """No model has a lower NLL than the entropy; eight hidden units come within 0.05 nats of it, from 0.4 above it."""
    counts = np.random.default_rng(0).multinomial(400, np.random.default_rng(3).dirichlet(np.full(16, 0.4)))
    images = np.repeat(BITS, counts, axis=0)
    entropy = scipy.stats.entropy(counts)
    chains = dict(gibbs_steps=2, chains=200, schedule="cosine") if persistent else dict(gibbs_steps=5, batch_size=50)
    fields = dict(hidden=8, persistent=persistent, learning_rate=1.0, steps=1500, batch_size=100) | chains
    state, start = train(settings_of(**fields), dataset_of(images), 1500)
    assert exact_nll(start, images.astype(np.float32)) > entropy + 0.4
    assert entropy - 1e-4 < exact_nll(state.params, images.astype(np.float32)) < entropy + 0.05


DIGITS = settings_of().images.load()


@BOTH
def test_eight_hidden_units_learn_digits_better_than_independent_pixels(persistent):
    """Held-out and by enumeration: two nats better, where both begin."""
    settings = settings_of(hidden=8, persistent=persistent, learning_rate=0.1, steps=1000)
    state, start = train(settings, DIGITS, 1000)
    test = DIGITS.splits["test"]["image"]
    independent = nll_of_independent_pixels(DIGITS.splits["train"]["image"], test)
    assert abs(exact_nll(start, test) - independent) < 0.2
    assert exact_nll(state.params, test) < independent - 2


def small_task(persistent):
    """In double precision, with momentum and fresh bits, so that a wrong draw or state shows."""
    rng = np.random.default_rng(0)
    dataset = dataset_of(rng.random((32, 6)), np.float64)
    machine = dict(hidden=4, persistent=persistent, chains=6, gibbs_steps=2)
    settings = configure(RBMSettings(), machine, batch_size=8, optimizer="momentum", learning_rate=0.1)
    return task(settings, dataset), jnp.asarray(dataset.splits["train"]["image"]).reshape(4, 8, 2, 3, 1)


def steps_of(trained, batches):
    def all_steps(key):
        return jax.lax.scan(lambda state, images: trained.step(state, {"image": images}), trained.init(key), batches)

    quick = {"xla_backend_optimization_level": 0}
    state, metrics = jax.jit(all_steps, compiler_options=quick)(jax.random.key(0))
    return {"params": state.params, "carried": state.carried, "metrics": metrics}


@BOTH
def test_every_form_of_execution_takes_the_same_steps(persistent, float64):
    whole, batches = small_task(persistent)
    mesh, expected = device_mesh(), steps_of(whole, batches)
    for formed in (accumulate(whole, 4), data_parallel(whole, mesh), fully_sharded(whole, mesh)):
        found = steps_of(formed, batches)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), found, expected)


@BOTH
def test_a_pmapped_step_is_the_whole_one(persistent, float64):
    whole, batches = small_task(persistent)
    parts = data_parallel(whole, device_mesh(), how="pmap")
    state, _ = parts.step(parts.init(jax.random.key(0)), {"image": batches[0]})
    found = {"params": state.params, "carried": state.carried}
    expected = {name: each for name, each in steps_of(whole, batches[:1]).items() if name != "metrics"}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), found, expected)


def test_persistent_chains_go_on_whatever_the_batch(float64):
    """They are bits, and move at every step, from where they were."""
    trained, batches = small_task(persistent=True)
    state = trained.init(jax.random.key(0))
    seen = [np.asarray(state.carried["chains"])]
    for images in batches:
        state, _ = trained.step(state, {"image": images})
        seen.append(np.asarray(state.carried["chains"]))
    assert all(set(np.unique(chains)) <= {0.0, 1.0} and chains.shape == (6, 6) for chains in seen)
    assert all((a != b).any() for a, b in pairwise(seen))


def test_contrastive_divergence_carries_nothing():
    assert task(settings_of(persistent=False, hidden=2), dataset_of(BITS)).init(jax.random.key(0)).carried == {}


def random_machine(visible=4, hidden=3):
    rng = np.random.default_rng(0)
    shapes = (visible, hidden), (visible,), (hidden,)
    return RBM(*(jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes))


def whole_set_metrics(settings, dataset, rbm, seed=0):
    whole = evaluate_whole(settings, dataset)
    return jax.jit(whole.measure)(rbm, jax.tree.map(jnp.asarray, whole.data), jax.random.key(seed))


def test_the_reported_nll_is_the_exact_one_within_four_of_its_errors():
    rbm, dataset = random_machine(), dataset_of(BITS)
    metrics = whole_set_metrics(settings_of(temperatures=300, annealed_chains=500), dataset, rbm)
    assert 0 < metrics["nll_error"] < 0.02
    assert abs(metrics["nll"] - exact_nll(rbm, BITS.astype(np.float32))) < 4 * metrics["nll_error"]


def test_the_other_metrics_are_their_definitions():
    """Free energies relative to the mean over the training images, cross-entropies by SciPy."""
    images = BITS[[1, 5, 6, 7, 7, 15, 0]].astype(np.float32)
    rbm, dataset = random_machine(), dataset_of(images)
    batch, keys = jax.tree.map(jnp.asarray, dataset.splits["test"]), jax.random.split(jax.random.key(0), len(images))
    metrics = evaluate(settings_of(), dataset)(rbm, batch, keys)
    monitored = monitor(settings_of(), dataset)(rbm, batch, keys)[1]
    free = jax.vmap(free_energy, (None, 0))(rbm, jnp.asarray(images))
    np.testing.assert_allclose(monitored["free_energy_gap"], free - free.mean(), rtol=1e-4, atol=1e-5)
    means = np.clip(images.mean(axis=0), 0.01, 0.99)
    independent = -scipy.stats.bernoulli(means).logpmf(images).sum(axis=1)
    np.testing.assert_allclose(metrics["independent_pixels/nll"], independent, rtol=1e-5)
    weights, a, b = map(np.asarray, rbm)
    hidden = scipy.special.expit(b + images @ weights)
    expected = -scipy.stats.bernoulli(scipy.special.expit(a + hidden @ weights.T)).logpmf(images).sum(axis=1)
    for found in (metrics["reconstruction"], monitored["reconstruction"]):
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(jax.vmap(reconstruction_error, (None, 0))(rbm, images), expected, rtol=1e-4)


def test_the_gap_of_the_whole_test_set_is_the_mean_of_those_of_its_images():
    rbm = random_machine()
    splits = {"train": {"image": BITS[:5].reshape(-1, 2, 2, 1)}, "test": {"image": BITS[3:].reshape(-1, 2, 2, 1)}}
    dataset = Dataset("planted", "", "", jax.tree.map(lambda leaf: leaf.astype(np.float32), splits))
    metrics = whole_set_metrics(settings_of(temperatures=2, annealed_chains=2), dataset, rbm)
    free = jax.vmap(free_energy, (None, 0))(rbm, jnp.asarray(BITS, jnp.float32))
    assert metrics["free_energy_gap"] == pytest.approx(float(free[3:].mean() - free[:5].mean()), rel=1e-4)


def test_what_is_drawn_of_free_energies_is_what_is_measured():
    """Grey images, whose bits another key would draw otherwise."""
    rbm, grey = random_machine(), np.random.default_rng(0).random((30, 4))
    settings, dataset = configure(RBMSettings(), temperatures=2, annealed_chains=2, seed=3), dataset_of(grey)
    drawn = free_energies(settings, dataset, rbm, key=jax.random.key(9))
    whole = evaluate_whole(settings, dataset)
    measured = whole.measure(rbm, jax.tree.map(jnp.asarray, whole.data), whole_set_key(jax.random.key(3)))
    gap = drawn["test images"].mean() - drawn["training images"].mean()
    assert measured["free_energy_gap"] == pytest.approx(float(gap), rel=1e-4)


def test_training_bits_are_the_same_at_every_call_and_share_no_key_with_a_seed():
    """Grey images, so that bits say which keys drew them: seed 0's streams are the first keys folded from its own."""
    settings, dataset = configure(RBMSettings(), hidden=2), dataset_of(np.full((4, 400), 0.5))
    bits = training_bits(settings, dataset)
    np.testing.assert_array_equal(bits, training_bits(settings, dataset))
    streams = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(0), i))(jnp.arange(5))
    of_streams = jax.vmap(lambda key: jax.random.bernoulli(key, 0.5, (400,)))(streams).astype(float)
    agreeing = (np.asarray(bits)[:, None] == np.asarray(of_streams)[None]).mean(axis=2)
    assert agreeing.max() < 0.7


def test_chains_are_drawn_after_1_10_100_and_1000_steps():
    """A machine with one image far below all others in free energy goes there, whence it starts."""
    rbm = RBM(jnp.zeros((4, 1)), jnp.asarray([9.0, -9.0, 9.0, -9.0]), jnp.zeros(1))
    rows = chain_rows(rbm, jnp.zeros((3, 4)), key=jax.random.key(0))
    assert list(rows) == [0, 1, 10, 100, 1000]
    np.testing.assert_array_equal(rows[0], 0)
    for steps in (1, 10, 100, 1000):
        np.testing.assert_allclose(rows[steps], np.tile([1.0, 0, 1, 0], (3, 1)), atol=1e-3)


def test_a_machine_that_knows_its_training_images_by_heart_has_a_gap():
    """Its free energy is low at the one image it has seen, and the held-out one lies higher."""
    seen, other = np.ones((1, 4)), np.array([[1.0, 0, 1, 0]])
    splits = {"train": {"image": seen.reshape(1, 2, 2, 1)}, "test": {"image": other.reshape(1, 2, 2, 1)}}
    splits = jax.tree.map(lambda leaf: leaf.astype(np.float32), splits)
    rbm = RBM(jnp.full((4, 1), 2.0), jnp.zeros(4), jnp.zeros(1))
    loss_fn = monitor(settings_of(), Dataset("planted", "", "", splits))
    batch = jax.tree.map(jnp.asarray, splits["test"])
    _, metrics = loss_fn(rbm, batch, jax.random.split(jax.random.key(0), 1))
    assert metrics["free_energy_gap"][0] == pytest.approx(np.log1p(np.exp(8)) - np.log1p(np.exp(4)), rel=1e-6)


def test_there_are_no_flags_of_networks():
    """A Boltzmann machine has no dropout and no other precision than its own."""
    names = {field.name for field in flat_fields(RBMSettings)}
    assert not names & {"dropout", "input_dropout", "precision"}
    assert configure(RBMSettings(), persistent=False).idle()["chains"] == "with --no-persistent"
    assert "chains" not in RBMSettings().idle()


def test_intensities_train_the_machine_and_their_rounding_measures_it():
    grey = np.array([[0.2, 0.8, 0.4, 0.6], [0.9, 0.1, 0.7, 0.3]])
    settings = configure(RBMSettings(), {}, binarization="none", hidden=3)
    key, image = jax.random.key(0), jnp.asarray(grey[0], jnp.float32).reshape(2, 2, 1)
    np.testing.assert_array_equal(visible_units(settings)(key, image), grey[0].astype(np.float32))
    np.testing.assert_array_equal(visible_bits(settings)(key, image), [0, 1, 0, 1])
    np.testing.assert_array_equal(training_bits(settings, dataset_of(grey)), grey > 0.5)
