"""Multi-layer perceptron: softmax regression, hidden layers, dropout with max-norm.

Papers: the Theano tutorials of LISA lab 2015 for presets ``softmax`` (7.489 % wrong of those of MNIST's test images
that fill batches of 600) and
``tutorial`` (500 tanh units, 1.65 %); Srivastava et al. 2014, table 2, for ``dropout`` (three layers of 1,024 rectified
linear units, 1.06 %). Claim: hidden layers, and then noise and bounded weights, each lower the test error of the same
classifier. Command: ``lectern run mlp`` (digits, 20 s on two CPU cores);
``lectern run mlp --preset tutorial --data-dir MNIST --seeds 5``. Expected figures: ``confusion``, ``mistakes``; of
several seeds ``averaging``.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("F2", "F3", "F4", "F5"),
    presets=dict(
        softmax=dict(
            data="mnist",
            widths=(),
            optimizer="sgd",
            learning_rate=0.13,
            batch_size=600,
            steps=6142,
            chunk=83,
            evaluate_every=83,
            save_every=830,
            patience=74,
            whole_batches=True,
        ),
        tutorial=dict(
            data="mnist",
            widths=(500,),
            activation="tanh",
            optimizer="sgd",
            learning_rate=0.01,
            weight_decay=0.0002,
            batch_size=20,
            steps=2500000,
            chunk=2500,
            evaluate_every=2500,
            save_every=25000,
            patience=1000,
        ),
        dropout=dict(
            data="mnist",
            train_on="train+valid",
            widths=(1024, 1024, 1024),
            optimizer="momentum",
            momentum=0.95,
            learning_rate=0.01,
            schedule="cosine",
            dropout=0.5,
            input_dropout=0.2,
            max_norm=2.0,
            batch_size=100,
            steps=120000,
            chunk=100,
            evaluate_every=600,
            save_every=6000,
        ),
    ),
    references=(
        Reference(
            "whole_batches/error",
            7.489,
            "%",
            cite="lisa2015",
            where="tutorial on logistic regression",
            read="source",
            protocol="MNIST, 50,000 / 10,000 / 10,000; the parameters of the lowest validation error; 719 of "
            "9,600 images, as validation and test count whole batches of 600 alone",
            preset="softmax",
            tested=9600,
        ),
        Reference(
            "error",
            1.65,
            "%",
            cite="lisa2015",
            where="tutorial on multilayer perceptrons",
            read="source",
            protocol="MNIST, 50,000 / 10,000 / 10,000; the parameters of the lowest validation error",
            preset="tutorial",
            tested=10_000,
        ),
        Reference(
            "error",
            1.06,
            "%",
            cite="srivastava2014",
            where="table 2",
            read="secondary",
            protocol="MNIST, trained on 60,000; dropout and max-norm; the rates and the length are ours",
            preset="dropout",
            tested=10_000,
        ),
    ),
)
