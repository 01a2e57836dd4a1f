"""Architectures: AlexNet, ZFNet, GoogLeNet, VGG and ResNet, small on the digits, and at full size.

Papers: Krizhevsky et al. 2012, Zeiler & Fergus 2014, Szegedy et al. 2015, Simonyan & Zisserman 2015, He et al. 2016.
Claim: what each changed of the one before is a few numbers of one notation; a residual net of three stages needs an
eighth of a perceptron's parameters for the digits. (Five seeds: 0.48 ± 0.52 % of the test images are wrong by the
ResNet, 0.72 ± 0.33 by ``vgg``, 0.24 ± 0.22 by ``inception``.) Command: ``lectern run architectures`` (a ResNet of 8
layers on the digits); presets ``alexnet``, ``zfnet``, ``vgg``, ``inception``; at full size ``lectern run architectures
--preset vgg16_full --data-dir PICTURES``; ``--preset resnet20 --data-dir TFDS`` for He et al.'s protocol on CIFAR-10,
whose figures are not replicated here: an hour on a GPU. Expected figures: ``feature_maps``, ``receptive_fields``.
"""

from experiments.run.card import Card, Preset, Reference

DIGITS: Preset = dict(architecture="pattern", learning_rate=1e-3, schedule="cosine")
SLIM = {
    "alexnet": "CONV 32 5x5 stride 2 → RELU → LRN → "
    "CONV 64 groups 2 → RELU → LRN → POOL 3x3 stride 2 ceil → "
    "CONV 96 → RELU → CONV 96 groups 2 → RELU → CONV 64 groups 2 → RELU → [DROPOUT → FC 128 → RELU]*2 → FC",
    "zfnet": "CONV 32 → RELU → POOL 3x3 stride 2 ceil → LRN → "
    "CONV 64 → RELU → POOL 3x3 stride 2 ceil → LRN → "
    "CONV 96 → RELU → CONV 96 → RELU → CONV 64 → RELU → [DROPOUT → FC 128 → RELU]*2 → FC",
    "vgg": "[[CONV 16 → RELU]*2 → POOL] → [[CONV 32 → RELU]*2 → POOL] → [FC 64 → RELU → DROPOUT]*2 → FC",
}
"""For images of 8×8: a coarse first layer and groups; a fine one and none; nothing but 3×3 and 2×2."""

PHOTOGRAPHS: Preset = dict(
    data="folder", optimizer="momentum", learning_rate=0.01, weight_decay=5e-4, batch_size=64, steps=100_000,
    evaluation_batch=64, schedule="cosine", augment=True, pixels="imagenet",
)  # fmt: skip
"""What the nets of photographs have in common; rates, lengths and crops are not the papers' own."""
FULL: dict[str, Preset] = {
    **{
        name: dict(architecture="pattern", pattern=name)
        for name in ("alexnet", "alexnet_torchvision", "zfnet", "vgg11", "vgg13", "vgg16", "vgg19")
    },
    "googlenet": dict(architecture="googlenet", auxiliary=True),
    "googlenet_torchvision": dict(architecture="googlenet_torchvision", auxiliary=True, pixels="signed"),
    **{
        f"resnet{depth}": dict(architecture="resnet", depth=depth, learning_rate=0.1, weight_decay=1e-4)
        for depth in (18, 34, 50, 101, 152)
    },
}
CIFAR: Preset = dict(
    data="tfds:cifar10", held_out=5000, augment=True, optimizer="momentum", learning_rate=0.1, schedule="step",
    decay_steps=(32_000, 48_000), weight_decay=1e-4, steps=64_000, evaluate_every=2000, save_every=8000,
)  # fmt: skip
"""He et al. 2016, section 4.2."""
CIFAR_ERRORS = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43}
"""In %, by depth. He et al. 2016, table 6."""

CARD = Card(
    systems=("C11", "C14", "C15", "C16", "C17", "C18"),
    default=dict(schedule="cosine"),
    smoke=dict(
        batch_size=32,
        architecture="pattern",
        pattern="CONV 4 stride 2 → RELU → LRN → POOL → DROPOUT → FC",
        augment=True,
    ),
    presets={
        **{name: DIGITS | dict(pattern=pattern) for name, pattern in SLIM.items()},
        "inception": dict(architecture="inception", schedule="cosine"),
        **{f"{name}_full": PHOTOGRAPHS | preset for name, preset in FULL.items()},
        **{f"resnet{depth}": CIFAR | dict(depth=depth) for depth in CIFAR_ERRORS},
        "resnet110": CIFAR | dict(depth=110, warmup_steps=400),
    },
    references=tuple(
        Reference(
            "error",
            error,
            "%",
            cite="he2016",
            where="table 6",
            read="memory" if depth == 44 else "source",
            protocol="CIFAR-10, 45,000 / 5,000 / 10,000, 64,000 steps of 128; of 110 layers the best of five runs. "
            "Ours: no mean is subtracted from the pixels, and 110 layers warm up over 400 steps",
            preset=f"resnet{depth}",
            tested=10_000,
        )
        for depth, error in CIFAR_ERRORS.items()
    ),
)
