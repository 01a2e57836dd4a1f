"""Evolutionary attack: one repainted pixel, or a few, found by differential evolution without any gradient.

Paper: Su et al. 2019 (one pixel attack). Claim: whoever sees nothing of a net but its probabilities still finds, for
many images, one pixel of which another value changes the answer, and with more pixels for nearly all. (Digits: 31 %
with one, 98 with three, 100 with five; 3,660 random tries, as many, find 32, 82 and 98.) Command: ``lectern run
evolutionary_attack`` (digits against the LeNet-5 that comes with the package, 40 s on two CPU cores); another net with
``--classifier WORKDIR``. Expected figures: ``attacked``, each image with the pixels that were found; ``confidence``,
what is left of the right class's probability; ``classes``.
"""

from experiments.run.card import Card, Reference

CIFAR = dict(data="tfds:cifar10", population=400, steps=75, examples=100, evaluate_every=25, save_every=25)


def _published(pixels: int, value: float, net: str, accuracy: float, preset: str) -> Reference:
    return Reference(
        f"pixels_{pixels}/success", value, "%", cite="kondratyuk2018", where="README, results, untargeted",
        read="source", preset=preset,
        protocol=f"CIFAR-10, 100 images that the net takes for what they are, {net} of {accuracy} % accuracy, 400 "
        "candidates, 75 generations, stopped at success. Ours: the rule rand/1 without crossing over, all generations; "
        "the net is that of --classifier WORKDIR",
        obstacle="it attacks a net that is trained first: name it with --classifier WORKDIR",
    )  # fmt: skip


CARD = Card(
    systems=("V8",),
    smoke=dict(pixels=(2,), population=6, examples=10),
    presets=dict(cifar10_lenet=CIFAR, cifar10_resnet=CIFAR),
    references=(
        *(_published(*row, "LeNet", 74.9, "cifar10_lenet") for row in ((1, 63.0), (3, 92.0), (5, 93.0))),
        *(_published(*row, "ResNet", 92.3, "cifar10_resnet") for row in ((1, 34.0), (3, 79.0), (5, 79.0))),
    ),
)
