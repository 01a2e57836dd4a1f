"""Molecule autoencoder: a graph is encoded, decoded to a bag of atoms, and to the bonds of these atoms all at once.

Paper: Bresson & Laurent 2019. Claim: nearly every molecule comes back from its latent, and what the beam puts together
of any latent is valid. Command: ``lectern run molecule_autoencoder`` (all molecules of up to five C, N, O and F;
2 minutes on two CPU cores), then ``lectern sample WORKDIR``; ``--data-dir FILE.smi`` reads others. Needs the extra
``lectern[molecules]``. Expected figures: ``samples``; ``ascent``, properties before and after; ``climbers``.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("A20",),
    samples=True,
    smoke=dict(batch_size=8, heavy_atoms=3, latent=4, width=4, layers=1, samples=40, climbers=4, ascent_steps=2),
    presets=dict(
        six=dict(heavy_atoms=6, steps=20_000, evaluate_every=1000),
        zinc=dict(
            heavy_atoms=38, latent=100, width=100, layers=4, batch_size=50, steps=200_000, learning_rate=1e-3,
            samples=5000, evaluate_every=5000, save_every=5000,
        ),
    ),
    references=(
        Reference(
            "reconstruction", 90.5, "%", cite="bresson2019", where="abstract", read="secondary",
            protocol="ZINC-250k from a local file (--data-dir), of 250,000 molecules; split, sizes of the network and "
            "training are ours, molecules that the reader leaves out are counted; not run here",
            preset="zinc",
            data="zinc250k",
        ),
    ),
)  # fmt: skip
