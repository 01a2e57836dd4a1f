"""Adversarial examples: small changes that a net is fooled by, training on them, and who shares and detects them.

Papers: Goodfellow et al. 2015 (fast gradient sign, adversarial training), Kurakin et al. 2017 (iterated), Madry et al.
2018 (projected gradient descent). Claim: changes too small to matter to a reader make nearly every answer of a net
wrong; training on attacks mends most of it; images made for one net fool another, more so if it is of the same kind.
Command: ``lectern run adversarial`` (digits, 1 minute on two CPU cores); the published error of softmax regression:
``--preset goodfellow2015 --data-dir MNIST``. Expected figures: ``success``, error against the size of the change, with
a band over nets; ``attacked``; ``transfer``; ``detection``, scores of an autoencoder.
"""

from experiments.run.card import Card, Reference

MNIST = dict(data="mnist", train_on="train+valid", radius=0.25, l2_radius=2.0)
SOFTMAX = MNIST | dict(
    nets=("softmax",), optimizer="sgd", learning_rate=0.13, batch_size=600, steps=6000, evaluate_every=500
)
NOT_SAID = "MNIST, test images, ε 0.25 of a range of 1. The paper does not say whether values are kept in the range: "
MAXOUT = "MNIST, test images, ε 0.25. The paper's is a maxout net with dropout; ours a convolutional net, values "


def _softmax(metric: str, value: float, protocol: str) -> Reference:
    return Reference(
        metric, value, "%", cite="goodfellow2015", where="section 3", read="secondary", protocol=NOT_SAID + protocol,
        preset="goodfellow2015",
    )  # fmt: skip


def _maxout(metric: str, value: float, where: str) -> Reference:
    return Reference(
        metric, value, "%", cite="goodfellow2015", where=where, read="secondary", protocol=MAXOUT + "kept in the range",
        preset="mnist",
    )  # fmt: skip


CARD = Card(
    systems=("V7",),
    smoke=dict(
        nets=("robust", "autoencoder"),
        pattern="CONV 2 stride 2 → RELU → FC",
        draws=2,
        attack_steps=2,
        training_attack_steps=1,
        batch_size=32,
    ) | {"autoencoder.widths": (), "autoencoder.latent": 4},
    presets=dict(
        goodfellow2015=SOFTMAX,
        mnist=MNIST | dict(
            pattern="CONV 16 stride 2 → RELU → CONV 32 stride 2 → RELU → FC 100 → RELU → FC",
            draws=2,
            learning_rate=1e-3,
            training_attack_steps=5,
            steps=3000,
            attack_steps=20,
        ) | {"autoencoder.widths": (256,), "autoencoder.latent": 32},
    ),
    references=(
        _softmax("softmax/fgsm_error", 99.9, "here they are"),
        _softmax("softmax/fgsm_confidence", 79.3, "here they are; of wrong answers alone"),
        _softmax("softmax/unclipped_error", 99.9, "here they are not"),
        _softmax("softmax/unclipped_confidence", 79.3, "here they are not; of wrong answers alone"),
        _maxout("conv/fgsm_error", 89.4, "section 3"),
        _maxout("robust/fgsm_error", 17.9, "section 6"),
    ),
)  # fmt: skip
