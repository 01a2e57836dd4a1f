"""Latent space: samples near and far, interpolation, analogies, the decoder's geometry, maps between two models.

Papers: Arvanitidis et al. 2018 and Shao et al. 2018 for the decoder's metric, White 2016 for spherical interpolation,
Chen et al. 2018 and Higgins et al. 2017 for disentanglement; the map between models is Lecture 003's. Claims: what is
decoded far from the prior's mass is unlike any training image; geodesics are shorter than straight lines; a linear map,
fitted on a hundred images that both have encoded, lets one model's decoder read the other's codes.
Command: ``lectern run latent_space`` (digits, 40 s on two CPU cores); ``--preset shapes`` scores disentanglement on
discs of known place and size, ``--preset autoencoder`` maps from a VAE to a deterministic autoencoder. Expected figure:
``chart``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A18",),
    smoke=dict(
        steps=6,
        chunk=2,
        evaluate_every=4,
        save_every=4,
        widths=(16,),
        support=20,
        stored=100,
        measured=40,
        geodesic_steps=3,
    ),
    presets=dict(
        shapes=dict(data="shapes", latent=5, beta=4.0, steps=6000),
        autoencoder=dict(second="autoencoder"),
    ),
)
