"""Convolutional classifier: any net of the lectures' pattern, its volumes, and what batch normalisation does.

Papers: LeCun et al. 1998 (convolutional classifiers); Ioffe & Szegedy 2015 (batch normalisation). Claim: a net is said
in one line of the lectures' notation, [[CONV → RELU]*N → POOL?]*M → [FC → RELU]*K → FC, and its volumes are known
before it is made; with BN in it the same net learns faster, and after training each image is classified by itself, by
running statistics of what the batches had. Command: ``lectern run convnet`` (digits); ``lectern run convnet --pattern
"[[CONV 16 -> RELU]*2 -> POOL]*2 -> [FC 64 -> RELU]*1 -> FC"``. Expected figures: ``volumes``, ``feature_maps``. The
table of any net by itself: ``print(*volumes(parse_pattern(VGG16), (224, 224, 3), classes=1000), sep="\\n")``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C8", "C12"),
    smoke=dict(batch_size=32, pattern="CONV 4 stride 2 → BN → RELU → POOL → FC"),
    presets=dict(
        plain=dict(pattern="[[CONV 16 → RELU]*2 → POOL]*2 → [FC 64 → RELU]*1 → FC"),
        groups=dict(group=32),
        mnist=dict(
            data="mnist",
            pattern="CONV 16 stride 2 → BN → RELU → CONV 32 stride 2 → BN → RELU → CONV 64 stride 2 → BN → RELU → "
            "POOL average all → FC",
            steps=8000,
            schedule="cosine",
        ),
        cifar10=dict(data="tfds:cifar10", pattern="INPUT → CONV 12 → RELU → POOL → FC", steps=4000, schedule="cosine"),
    ),
)
