"""Autoencoder: linear, deep, sparse, k-sparse, denoising and contractive, as choices of one model's parts.

Papers: Hinton & Salakhutdinov 2006 (deep; preset ``deep``), Ng 2011 (mean activation), Makhzani & Frey 2014 (k-sparse),
Vincent et al. 2010 (denoising), Rifai et al. 2011 (contractive). Claim: without nonlinearities the code spans PCA's
subspace; with them a code of the same size reconstructs better; corruption and penalties make codes that do more than
copy. Command: ``lectern run autoencoder`` (digits, 20 s on two CPU cores; squared error well below PCA's with as many
numbers); ``lectern run autoencoder --preset denoising``.
"""

from experiments.run.card import Card, Reference

WIDE_LAYER = dict(latent=128, widths=())
SIGMOID_LAYER = WIDE_LAYER | dict(code_activation="sigmoid")

CARD = Card(
    systems=("A2", "A3", "A4", "A5", "A6", "A7", "A8"),
    presets=dict(
        linear=dict(widths=(), likelihood="unit_gaussian", schedule="cosine", learning_rate=1e-2, steps=20_000),
        shallow=dict(widths=(), code_activation="sigmoid"),
        two_dimensional=dict(latent=2),
        sparse_l1=WIDE_LAYER | dict(code_activation="relu", activity=0.1),
        sparse_kl=SIGMOID_LAYER | dict(sparsity=1.0),
        k_sparse=WIDE_LAYER | dict(keep=10),
        denoising=dict(latent=64, corruption="gaussian"),
        contractive=SIGMOID_LAYER | dict(contraction=0.1),
        convolutional=dict(network="conv", widths=(16, 32), steps=1500, chunk=10),
        deep=dict(
            data="mnist",
            train_on="train+valid",
            widths=(1000, 500, 250),
            latent=30,
            batch_size=100,
            steps=120_000,
            chunk=100,
            evaluate_every=600,
            save_every=6000,
            schedule="cosine",
        ),
    ),
    references=(
        Reference(
            "squared_error",
            3.0,
            "",
            cite="hinton2006reducing",
            where="caption of figure 2B",
            read="secondary",
            protocol="MNIST, 784-1000-500-250-30, the squared error of an image, where PCA of 30 numbers has 13.87; "
            "theirs is pre-trained layer by layer; rates and lengths are ours",
            preset="deep",
        ),
    ),
)
