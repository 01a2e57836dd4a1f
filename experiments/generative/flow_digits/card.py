"""Normalising flow of images: how many bits a pixel costs, with uniform noise in the bins or noise that is learned.

Papers: Dinh et al. 2017 (RealNVP), Kingma & Dhariwal 2018 (Glow), Ho et al. 2019 (variational dequantisation); nets and
protocol of the MNIST presets: Lippe 2022, tutorial 11 of the University of Amsterdam (50,000 training images, 200
epochs of batches of 128, Adam at 0.001 · 0.99^epoch, gradients clipped at 1, the bound of 8 draws on the test set).
Claim: a second scale and learned noise each save bits. Figures hold for one number of levels: 17 of scikit-learn's
digits (4.09 bits, were all equally probable), 256 of MNIST (8 bits). Command: ``lectern run flow_digits`` (digits, two
minutes on two CPU cores), ``lectern run flow_digits --preset multiscale --data-dir MNIST`` (1.021 bits; an hour on a
GPU). ``lectern sample WORKDIR`` gives images with their log-densities. Expected figure: ``samples``.
"""

from experiments.run.card import Card, Reference

EPOCH = 390
"""Whole batches of 128 among 50,000 images."""
LIPPE = dict(
    data="mnist",
    network="simple",
    blocks=4,
    hidden=32,
    depth=3,
    batch_size=128,
    learning_rate=1e-3,
    schedule="step",
    decay_steps=tuple(EPOCH * epoch for epoch in range(1, 200)),
    decay_factor=0.99,
    clip_norm=1.0,
    steps=200 * EPOCH,
    evaluate_every=10 * EPOCH,
    save_every=10 * EPOCH,
    importance_samples=8,
    samples=0,
)
LEARNED = dict(dequantization="variational", noise_hidden=16)
OURS = "50,000 MNIST images for training, 256 levels, the bound of 8 draws on the 10,000 test images"

CARD = Card(
    systems=("G2",),
    samples=True,
    smoke=dict(network="glow", blocks=1, hidden=2, depth=0, batch_size=8, importance_samples=2, samples=20),
    presets=dict(
        digits_variational=dict(dequantization="variational"),
        digits_glow=dict(network="glow"),
        simple=LIPPE,
        variational=LIPPE | LEARNED,
        multiscale=LIPPE | LEARNED | dict(network="multiscale"),
        glow=LIPPE | dict(network="glow"),
        cifar10=LIPPE | dict(network="glow", data="tfds:cifar10"),
    ),
    references=(
        *(
            Reference(
                "bits_per_dimension",
                bits,
                "bits",
                cite="lippe2022",
                where="tutorial 11, table of results",
                read="secondary",
                protocol=OURS,
                preset=preset,
            )
            for preset, bits in (("simple", 1.078), ("variational", 1.041), ("multiscale", 1.021))
        ),
        *(
            Reference(
                "bits_per_dimension",
                bits,
                "bits",
                cite="grathwohl2019",
                where="table 2",
                read="secondary",
                protocol=f"{net} on {images} of 256 levels; a far larger net there",
                preset=preset,
            )
            for preset, net, images, bits in (
                ("multiscale", "RealNVP", "MNIST", 1.06),
                ("glow", "Glow", "MNIST", 1.05),
                ("cifar10", "RealNVP", "CIFAR-10", 3.49),
                ("cifar10", "Glow", "CIFAR-10", 3.35),
            )
        ),
    ),
)
