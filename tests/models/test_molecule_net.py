"""Encoder and decoder where atoms are renamed, padded and doubled, and what their loss is by hand."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

from experiments.objectives.molecules import molecule_loss
from models.molecule_net import MoleculeVAE

MODEL = MoleculeVAE(kinds=3, atoms=4, latent=2, width=4, layers=1)
ATOMS = jnp.array([1, 2, 3, 0], jnp.int32)
BONDS = jnp.array([[0, 2, 1, 0], [2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], jnp.int32)
PARAMS = jax.jit(MODEL.init)(jax.random.key(0), ATOMS, BONDS)
LATENT = jnp.array([0.3, -1.2])
encode = jax.jit(lambda atoms, bonds: MODEL.apply(PARAMS, atoms, bonds, method="encode"))
bonds_of = jax.jit(lambda latent, atoms: MODEL.apply(PARAMS, latent, atoms, method="bonds"))


def renamed(order, atoms=ATOMS, bonds=BONDS):
    order = np.array(order)
    return atoms[order], bonds[order[:, None], order]


@pytest.mark.parametrize("order", list(permutations(range(4)))[1::4])
def test_atoms_of_different_kinds_may_stand_in_any_order(order):
    for one, other in zip(encode(*renamed(order)), encode(ATOMS, BONDS), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    expected = bonds_of(LATENT, ATOMS)[np.array(order)[:, None], np.array(order)]
    np.testing.assert_allclose(bonds_of(LATENT, ATOMS[np.array(order)]), expected, rtol=1e-5, atol=1e-6)


def test_equal_atoms_are_told_apart_by_their_place():
    """The stated exception: of two carbons the first and the second are not one, to either network."""
    equal = jnp.array([1, 1, 2, 0], jnp.int32)
    swapped = renamed((1, 0, 2, 3), equal)
    assert np.abs(encode(*swapped).mean - encode(equal, BONDS).mean).max() > 1e-3
    found = bonds_of(LATENT, equal)
    assert np.abs(found[0, 2] - found[1, 2]).max() > 1e-3


def test_logits_are_the_same_both_ways_and_a_batch_is_its_rows():
    latents = jnp.stack([LATENT, -LATENT])
    together = bonds_of(latents, jnp.stack([ATOMS, ATOMS]))
    np.testing.assert_allclose(together, together.swapaxes(1, 2), rtol=1e-6)
    np.testing.assert_allclose(together[1], bonds_of(-LATENT, ATOMS), rtol=1e-5, atol=1e-6)


def test_padding_is_not_seen():
    """The bonds of padding, whatever they say, reach no atom; real pairs do not change with what padding is called."""
    wider = MoleculeVAE(kinds=3, atoms=4, latent=2, width=4, layers=1)
    short = wider.apply(PARAMS, ATOMS[:3], BONDS[:3, :3], method="encode")
    np.testing.assert_allclose(short.mean, encode(ATOMS, BONDS).mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        wider.apply(PARAMS, LATENT, ATOMS[:3], method="bonds"), bonds_of(LATENT, ATOMS)[:3, :3], rtol=1e-5, atol=1e-6
    )


def test_the_loss_is_its_equation():
    """With an encoder that is sure, every term from what the networks say of the mean."""
    given = {
        "atoms": ATOMS[None], "bonds": BONDS[None], "property": jnp.array([[0.5, 2.0]]),
    }  # fmt: skip

    def apply(keys, params, *args, method):
        said = MODEL.apply(params, *args, method=method)
        return said._replace(log_variance=jnp.full_like(said.log_variance, -40.0)) if method == "encode" else said

    loss = molecule_loss(apply, kinds=3, beta=0.1, property_weight=2.0, scale=(jnp.zeros(2), jnp.ones(2) * 2))
    losses, parts = jax.jit(loss)(PARAMS, given, jax.random.split(jax.random.key(1), 1))
    said = jax.jit(MODEL.apply)(PARAMS, ATOMS, BONDS)
    mean, bag, bonds = encode(ATOMS, BONDS).mean, log_softmax(said["bag"], axis=-1), log_softmax(said["bonds"], axis=-1)
    error = said["property"] - given["property"][0] / 2
    expected = {
        "bag": -sum(bag[kind, 1] for kind in range(3)),
        "bonds": -(bonds[0, 1, 2] + bonds[0, 2, 1] + bonds[1, 2, 0]),
        "kl": float(0.5 * np.sum(np.square(mean) + np.exp(-40.0) - 1 + 40.0)),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(parts[name], [value], rtol=1e-5)
    total = expected["bag"] + expected["bonds"] + 0.1 * expected["kl"] + float(np.sum(np.square(error)))
    np.testing.assert_allclose(losses, [total], rtol=1e-5)
