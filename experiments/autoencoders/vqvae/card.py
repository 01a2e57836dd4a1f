"""Vector-quantised autoencoder: discrete codes by straight-through gradients, and what they cost in bits.

Paper: van den Oord et al. 2017. Claim: an autoencoder whose code is a field of codebook vectors reconstructs from a few
bits an image without its code collapsing; the codebook learns by gradient or follows its vectors as a moving average.
Under a deterministic encoder log₂ p(x) ≥ log₂ p(x | codes) + log₂ p(codes): that bound, per value of the image, is
``bits_per_dim`` for the uniform prior over codes, and ``bits_per_dim_fitted`` for a categorical one at each position.
Command: ``lectern run vqvae`` (digits, half a minute on two CPU cores), ``lectern run vqvae --preset ema`` (nearly all
codes in use, fewer bits); ``--preset paper --data-dir TFDS`` is CIFAR-10 with 8 × 8 × 10 codes (4.67 bits per
dimension). Expected figure: ``reconstructions``.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("A16",),
    samples=True,
    smoke=dict(widths=(32,)),
    presets=dict(
        ema=dict(codebook="ema"),
        residual=dict(network="residual", widths=(32,), positions=1, steps=1_000, chunk=10),
        paper=dict(
            data="tfds:cifar10",
            train_on="train+valid",
            binarization="none",
            likelihood="categorical",
            network="residual",
            widths=(256,),
            positions=10,
            codes=512,
            dimensions=64,
            batch_size=128,
            learning_rate=2e-4,
            steps=250_000,
            chunk=50,
            evaluate_every=5_000,
            save_every=5_000,
        ),
    ),
    references=(
        Reference(
            "bits_per_dim",
            4.67,
            "bits",
            cite="oord2017",
            where="section 4.1",
            read="secondary",
            protocol="CIFAR-10, 8 × 8 × 10 codes; 256 grey values here, as the paper names no number of them",
            preset="paper",
        ),
    ),
)
