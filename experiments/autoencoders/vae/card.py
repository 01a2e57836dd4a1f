"""Variational autoencoder: trained on the ELBO or the importance-weighted bound, measured by its log-likelihood.

Paper: Kingma & Welling 2014; protocol of the ``paper`` presets: Burda et al. 2016, section 5 (MNIST binarised anew at
each use, two hidden layers of 200 tanh units, 50 latents, batches of 20, 3,280 epochs of a falling rate, NLL from 5,000
samples). Claim: an amortised Gaussian posterior trained on the ELBO gives a generative model of MNIST at 86.76 nats;
trained on the importance-weighted bound of 50 samples (``--preset iwae``), one at 84.78.
Command: ``lectern run vae`` (digits, about 30 s on two CPU cores);
``lectern run vae --preset paper --data-dir MNIST`` (86.76 nats after 9,840,000 steps; hours on a CPU).
"""

from experiments.run.card import Card, Reference

EPOCH = 3000
"""Steps in which batches of 20 pass over the 60,000 images of MNIST."""

BURDA = dict(
    data="mnist",
    train_on="train+valid",
    widths=(200, 200),
    activation="tanh",
    latent=50,
    batch_size=20,
    epsilon=1e-4,
    schedule="step",
    decay_steps=tuple(EPOCH * sum(3**i for i in range(stage)) for stage in range(1, 8)),
    decay_factor=10 ** (-1 / 7),
    steps=EPOCH * sum(3**i for i in range(8)),
    chunk=1000,
    evaluate_every=20 * EPOCH,
    save_every=20 * EPOCH,
    importance_samples=5000,
)
"""Section 5: 3^i epochs at the rate 0.001 · 10^(−i/7), for i = 0, …, 7."""
FLAX = dict(
    data="mnist", binarization="static", widths=(500,), latent=20, batch_size=128, steps=3900, chunk=78,
    evaluate_every=390, save_every=390, importance_samples=50,
)  # fmt: skip
IWAE = dict(objective="iwae", samples=50)
FIXED = dict(binarization="static")

CARD = Card(
    systems=("A12", "A14", "A15"),
    samples=True,
    smoke=dict(importance_samples=10),
    presets=dict(
        conv=dict(network="conv", widths=(16, 32), steps=2000, chunk=10),
        paper=BURDA,
        iwae=BURDA | IWAE,
        paper_fixed=BURDA | FIXED,
        iwae_fixed=BURDA | IWAE | FIXED,
        flax=FLAX,
    ),
    references=(
        Reference(
            "nll",
            86.76,
            "nats",
            cite="burda2016",
            where="table 1",
            read="secondary",
            protocol="stochastically binarised MNIST; 5,000-sample importance estimate",
            preset="paper",
        ),
        Reference(
            "nll",
            84.78,
            "nats",
            cite="burda2016",
            where="table 1",
            read="secondary",
            protocol="stochastically binarised MNIST; IWAE of 50 samples; 5,000-sample importance estimate",
            preset="iwae",
        ),
        Reference(
            "nll",
            89.9,
            "nats",
            cite="rezende2015",
            read="secondary",
            protocol="fixed binarisation, ours; another network there, and 200 samples",
            preset="paper_fixed",
        ),
        Reference(
            "nll",
            87.1,
            "nats",
            cite="burda2016",
            where="appendix",
            read="secondary",
            protocol="fixed binarisation, ours; IWAE of 50 samples",
            preset="iwae_fixed",
        ),
        Reference(
            "elbo",
            -104,
            "nats",
            cite="flax2020vae",
            where="README, 'should be around'",
            read="source",
            protocol="fixed binarisation, ours, 10 epochs of 50,000 images; printed as a loss; one latent an image "
            "there, the mean of many here",
            preset="flax",
        ),
    ),
)
