"""VQ-VAE-2: codes of two levels, and a transformer that has learnt which of them go together, draws digits.

Paper: Razavi et al. 2019. Claim: an autoencoder with discrete codes draws images as good as its reconstructions once a
strong prior over the codes is learnt; independent positions give strokes. The prior is a transformer over the codes of
both levels, top first, where the paper has two PixelCNNs, and is learnt beside the autoencoder, where the paper learns
it afterwards. ``bits_per_dim`` is −log₂ p(x | codes) p(codes) per value of the image with that prior,
``bits_per_dim_fitted`` with one of independent positions, ``bits_per_dim_uniform`` with all codes alike. Command:
``lectern run vqvae2`` (digits, two minutes on two CPU cores), then ``lectern sample WORKDIR --label 7``. Expected
figures: ``samples``, beside those of independent positions; ``levels``, what each level holds.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A17",),
    samples=True,
    smoke=dict(batch_size=8, features=4, blocks=1, codes=8, dimensions=2, depth=1, heads=1, width=8, samples=20),
    presets=dict(
        gradient=dict(codebook="gradient"),
        unconditional=dict(conditional=False),
        bits=dict(binarization="stochastic", likelihood="bernoulli"),
    ),
)
