"""Codes compared: PCA, a nonlinear and a deep autoencoder side by side, with codes of two and of many numbers.

Paper: Hinton & Salakhutdinov 2006, figures 2 and 3. Claim: with as many numbers, an autoencoder with a hidden layer on
either side of its code reconstructs better than PCA, and a deep one better still; in two numbers its classes lie
further apart. Command: ``lectern run code_comparison`` (digits, 40 s on two CPU cores);
``lectern run code_comparison --preset mnist --data-dir MNIST`` for codes of 30 numbers. Expected figure:
``reconstructions``, line by line as in the lecture.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A1", "A3"),
    smoke=dict(widths=(16,)),
    presets=dict(
        mnist=dict(
            data="mnist",
            latent=30,
            widths=(1000, 500, 250),
            steps=20_000,
            chunk=50,
            evaluate_every=1000,
            save_every=5000,
            schedule="cosine",
        ),
    ),
)
