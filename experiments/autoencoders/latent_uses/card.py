"""What an autoencoder is for: compressor, searcher, detector, imputer, denoiser, feature extractor, in one table.

Lectures 000, 001, 002 ("Applications include") and 003 ("Applications of autoencoders"). Claim: one code serves all of
these, each better than chance (an untrained encoder's code, the mean image, an area of ½), and where it can be compared
with PCA of equal size, the table says which is ahead. Command: ``lectern run latent_uses`` (digits, 45 s on two CPU
cores) trains a denoising autoencoder; ``--autoencoder WORKDIR`` takes the one of a run of ``autoencoder`` or ``vae`` as
it is, and trains nothing but a linear probe. Expected figures: ``search``, ``imputation``, ``rate_distortion``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A10",),
    smoke=dict(
        steps=6,
        chunk=2,
        evaluate_every=4,
        save_every=4,
        widths=(16,),
        labels=30,
        searched=300,
        measured=100,
    ),
    presets=dict(left_out_class=dict(left_out=8)),
)
