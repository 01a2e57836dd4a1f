"""Codes as features: an autoencoder learns from images alone, and softmax regression reads the class off its code.

Papers: Makhzani & Frey 2014 (k-sparse codes, and codes as features), Rifai et al. 2011 (contractive). Claim: a linear
classifier of a sparse code is better than one of the pixels or of as many numbers from random weights, though no label
had a part in the code. Command: ``lectern run code_classifier`` (digits, 20 s on two CPU cores: 1.2 % wrong by the
code, 3.2 % by the pixels, 4.4 % by random numbers); ``lectern run code_classifier --preset k_sparse_mnist --data-dir
MNIST`` (1.35 % published, from memory). Expected figure: ``errors``.
"""

from experiments.run.card import Card, Reference

MNIST = dict(
    data="mnist",
    train_on="train+valid",
    latent=1000,
    batch_size=100,
    schedule="cosine",
    steps=120_000,
    chunk=100,
    evaluate_every=3000,
    save_every=6000,
    evaluation_batch=1000,
)
CONTRACTIVE = dict(keep=0, code_activation="sigmoid", contraction=0.1, likelihood="bernoulli", schedule="cosine")

CARD = Card(
    systems=("A6", "A8", "A10"),
    default=dict(schedule="cosine"),
    smoke=dict(latent=32, keep=4),
    presets=dict(
        contractive=CONTRACTIVE,
        k_sparse_mnist=MNIST | dict(classified_keep=75),
        contractive_mnist=MNIST | CONTRACTIVE,
    ),
    references=(
        Reference(
            "code/error",
            1.35,
            "%",
            cite="makhzani2014",
            read="memory",
            protocol="MNIST, 1,000 units with tied weights of which 25 stay, logistic regression on the code; rates, "
            "lengths and the 75 units that the classifier sees are ours",
            preset="k_sparse_mnist",
            tested=10_000,
        ),
    ),
)
