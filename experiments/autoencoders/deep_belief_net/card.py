"""Deep belief net: layers learnt one by one as Boltzmann machines, then fine-tuned by backpropagation.

Papers: Hinton, Osindero & Teh 2006 (greedy stacking; 1.25 % of MNIST's test images wrong, with a generative
fine-tuning); Hinton & Salakhutdinov 2006 (fine-tuning by backpropagation, and the unrolled autoencoder). Claim: a net
whose layers have learnt to model the images classifies them better than the same net, from the same first weights,
without. Command: ``lectern run deep_belief_net`` (digits, 20 s on two CPU cores);
``lectern run deep_belief_net --preset paper --data-dir MNIST``. Expected figure: ``filters``, strokes where the other
net has noise.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("A11",),
    samples=True,
    default=dict(schedule="cosine"),
    smoke=dict(widths=(12, 8), pretrain_steps=1),
    presets=dict(
        paper=dict(
            data="mnist",
            train_on="train+valid",
            widths=(500, 500, 2000),
            batch_size=100,
            pretrain_steps=30_000,
            learning_rate=5e-4,
            schedule="cosine",
            steps=150_000,
            chunk=100,
            evaluate_every=3_000,
            save_every=15_000,
            evaluation_batch=1_000,
        ),
    ),
    references=(
        Reference(
            "pretrained/error",
            1.25,
            "%",
            cite="hinton2006belief",
            read="secondary",
            protocol="MNIST, 500-500-2000; theirs has the labels in the top machine and is fine-tuned generatively, by "
            "up-down; ours by backpropagation",
            preset="paper",
            tested=10_000,
        ),
        Reference(
            "pretrained/error",
            1.15,
            "%",
            cite="hinton2010talk",
            where="slide 190",
            read="secondary",
            protocol="MNIST, 500-500-2000, ten softmax units on top, backpropagation; rates and lengths are ours",
            preset="paper",
            tested=10_000,
        ),
    ),
)
