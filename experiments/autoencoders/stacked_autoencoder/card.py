"""Stacked autoencoders: denoising or contractive layers learnt one by one, then fine-tuned as a classifier.

Papers: Vincent et al. 2010 (denoising), Rifai et al. 2011 (contractive); preset ``paper`` follows the tutorial on
stacked denoising autoencoders of LISA lab 2015 (1.3 % of MNIST's test images wrong). Claim: a net whose layers have
learnt to restore images classifies them better than the same net, from the same first weights, without. Command:
``lectern run stacked_autoencoder`` (digits, 15 s on two CPU cores), or with ``--layer contractive``. Expected figure:
``filters``, strokes where the other net has noise.
"""

from experiments.run.card import Card, Reference

TUTORIAL = dict(
    data="mnist",
    widths=(1000, 1000, 1000),
    optimizer="sgd",
    learning_rate=0.1,
    pretrain_rate=1e-3,
    batch_size=1,
    pretrain_steps=750_000,
    steps=4_050_000,
    chunk=500,
    evaluate_every=50_000,
    save_every=250_000,
    evaluation_batch=1_000,
)
MNIST = dict(
    data="mnist",
    train_on="train+valid",
    widths=(1000, 1000, 1000),
    batch_size=100,
    learning_rate=5e-4,
    schedule="cosine",
    pretrain_steps=9_000,
    steps=60_000,
    chunk=50,
    evaluate_every=3_000,
    save_every=6_000,
    evaluation_batch=1_000,
)

CARD = Card(
    systems=("A3", "A7", "A8"),
    default=dict(schedule="cosine"),
    smoke=dict(widths=(12, 8), pretrain_steps=1),
    presets=dict(paper=TUTORIAL, mnist=MNIST, contractive=MNIST | dict(layer="contractive", widths=(1000,))),
    references=(
        Reference(
            "pretrained/error",
            1.3,
            "%",
            cite="lisa2015",
            where="tutorial on stacked denoising autoencoders",
            read="source",
            protocol="MNIST, 50,000 / 10,000 / 10,000; three layers of 1,000 with 10, 20 and 30 % masked, here 20 % in "
            "each; the parameters of the lowest validation error, here the last",
            preset="paper",
            tested=10_000,
        ),
        Reference(
            "pretrained/error",
            1.14,
            "%",
            cite="rifai2011",
            where="table 1",
            read="memory",
            protocol="MNIST, one contractive layer of 1,000, fine-tuned; rates and lengths are ours",
            preset="contractive",
            tested=10_000,
        ),
    ),
)
