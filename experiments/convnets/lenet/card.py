"""LeNet-5: convolutions, subsampling and squashing, as published in 1989 and 1998, and as rebuilt since.

Papers: LeCun et al. 1989 (preset ``lecun1989``) and 1998 (``paper``); the tutorials of LISA lab 2015 (``lisa``), Keras
(``keras``) and Flax (``flax``). Claim: a net of a few thousand weights that are shared over the image reads digits with
an error near 1 %. Command: ``lectern run lenet`` (digits); ``lectern run lenet --preset lecun1989 --data-dir MNIST``.
Expected figures: ``feature_maps``, ``volumes``.
"""

from experiments.run.card import Card, Reference

DIGITS = "CONV 6 5x5 → RELU → POOL → CONV 16 → RELU → POOL → FC 120 → RELU → FC 84 → RELU → FC"
"""LeNet-5 for images of 8×8."""
MNIST = dict(data="mnist", evaluation_batch=1000)
ALL = MNIST | dict(train_on="train+valid")
"""As where no images were held out for validation: the test images are shown while it trains, and nothing is chosen."""

CARD = Card(
    systems=("C12", "C13"),
    smoke=dict(batch_size=32, pattern="CONV 4 5x5 stride 2 → RELU → POOL → FC 8 → RELU → FC"),
    presets=dict(
        tanh=dict(pattern=DIGITS.replace("RELU", "SCALED_TANH").replace("POOL", "POOL average"), initializer="glorot"),
        mnist=MNIST | dict(pattern="lenet5", learning_rate=1e-3, schedule="cosine", steps=7820, save_every=1955),
        paper=ALL
        | dict(
            network="lenet5",
            learning_rate=2e-3,
            schedule="cosine",
            steps=9380,
            chunk=67,
            evaluate_every=469,
            save_every=2345,
        ),
        lecun1989=MNIST
        | dict(
            network="convnet_1989",
            loss="squared_error",
            side=16,
            examples=(7291, 2007),
            optimizer="sgd",
            learning_rate=0.03,
            batch_size=1,
            steps=167_693,
            chunk=7291,
            evaluate_every=7291,
            save_every=7291 * 23,
        ),
        lisa=MNIST
        | dict(
            pattern="CONV 20 5x5 padding 0 → TANH → POOL → CONV 50 5x5 padding 0 → TANH → POOL → FC 500 → TANH → FC",
            initializer="glorot",
            optimizer="sgd",
            learning_rate=0.1,
            batch_size=500,
            steps=20_000,
            chunk=100,
            evaluate_every=100,
            save_every=1000,
            patience=200,
        ),
        keras=MNIST
        | dict(
            pattern="CONV 32 padding 0 → RELU → POOL → CONV 64 padding 0 → RELU → POOL → DROPOUT 0.5 → FC",
            initializer="glorot",
            learning_rate=1e-3,
            epsilon=1e-7,
            steps=5850,
            chunk=65,
            evaluate_every=390,
            save_every=1950,
        ),
        flax=ALL
        | dict(
            pattern="CONV 32 → RELU → POOL average → CONV 64 → RELU → POOL average → FC 256 → RELU → FC",
            initializer="lecun",
            optimizer="momentum",
            learning_rate=0.1,
            steps=4680,
            chunk=52,
            evaluate_every=468,
            save_every=2340,
        ),
    ),
    references=(
        Reference(
            "error",
            0.95,
            "%",
            cite="lecun1998",
            where="section III.B",
            read="secondary",
            protocol="MNIST, trained on 60,000 without distortions, 20 passes. Ours: Adam in place of the stochastic "
            "diagonal Levenberg–Marquardt method, random codes for the classes, cross-entropy of the distances",
            preset="paper",
            tested=10_000,
        ),
        Reference(
            "error",
            5.0,
            "%",
            cite="lecun1989",
            where="section 5",
            read="secondary",
            protocol="zip codes, 7,291 / 2,007 images of 16×16, 23 passes by a diagonal Newton method. Ours: MNIST in "
            "their place, plain gradient descent",
            preset="lecun1989",
            tested=2007,
        ),
        Reference(
            "error",
            4.09,
            "%",
            cite="karpathy2022",
            where="README",
            read="source",
            protocol="7,291 / 2,007 of MNIST's images at 16×16, one at a time, 23 passes, rate 0.03. Ours: other "
            "images of it, and a new order in each pass",
            preset="lecun1989",
            tested=2007,
        ),
        Reference(
            "error",
            0.92,
            "%",
            cite="lisa2015",
            where="tutorial on LeNet",
            read="source",
            protocol="MNIST, 50,000 / 10,000 / 10,000, 200 epochs; the parameters of the lowest validation error. "
            "Ours: the last layer begins at random, not at 0",
            preset="lisa",
            tested=10_000,
        ),
        Reference(
            "error",
            0.78,
            "%",
            cite="chollet2015",
            where="example's output, as accuracy 0.9922",
            read="source",
            protocol="MNIST, trained on 54,000, 15 epochs. Ours: on 50,000",
            preset="keras",
            tested=10_000,
        ),
        Reference(
            "error",
            0.83,
            "%",
            cite="flax2020",
            where="example's README, as accuracy 99.17 %",
            read="source",
            protocol="MNIST, trained on 60,000, 10 epochs",
            preset="flax",
            tested=10_000,
        ),
    ),
)
