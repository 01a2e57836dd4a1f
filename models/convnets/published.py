"""Published nets that are patterns: what one changed of the other is to be seen line by line.

Each as ``pattern_net(VGG16, classes=1000)``. Comments give the side of the volume after the line.
"""

LENET5 = """
CONV 6 5x5 padding 2  → RELU → POOL →
CONV 16 5x5 padding 0 → RELU → POOL →
FC 120 → RELU →
FC 84 → RELU → FC
"""
"""28×28×1. LeCun et al. 1998 as it is usually rebuilt, with all maps connected: 61,706 parameters. In the paper's own
form it is ``models.convnets.lenet.LeNet5``."""

LENET5_TANH = """
CONV 6 5x5 padding 2  → SCALED_TANH → POOL average →
CONV 16 5x5 padding 0 → SCALED_TANH → POOL average →
FC 120 → SCALED_TANH →
FC 84 → SCALED_TANH → FC
"""
"""28×28×1. The same with the paper's squashing function and with means for its subsampling."""

ALEXNET = """
CONV 96 11x11 stride 4 padding 0 → RELU → LRN → POOL 3x3 stride 2 →
CONV 256 5x5 groups 2            → RELU → LRN → POOL 3x3 stride 2 →
CONV 384                         → RELU →
CONV 384 groups 2                → RELU →
CONV 256 groups 2                → RELU → POOL 3x3 stride 2 →
[DROPOUT → FC 4096 → RELU]*2 → FC
"""
"""227×227×3 (the paper says 224, which its 55 positions contradict). Krizhevsky et al. 2012: two groups, one a GPU;
60,965,224 parameters, "60 million"."""

ALEXNET_TORCHVISION = """
CONV 64 11x11 stride 4 padding 2 → RELU → POOL 3x3 stride 2 →
CONV 192 5x5                     → RELU → POOL 3x3 stride 2 →
CONV 384                         → RELU →
CONV 256                         → RELU →
CONV 256                         → RELU → POOL 3x3 stride 2 →
[DROPOUT → FC 4096 → RELU]*2 → FC
"""
"""224×224×3. Krizhevsky 2014, "One weird trick", as torchvision has it: one group, fewer features; 61,100,840."""

ZFNET = """
CONV 96 7x7 stride 2 padding 1  → RELU → POOL 3x3 stride 2 ceil → LRN →
CONV 256 5x5 stride 2 padding 0 → RELU → POOL 3x3 stride 2 ceil → LRN →
CONV 384                        → RELU →
CONV 384                        → RELU →
CONV 256                        → RELU → POOL 3x3 stride 2 →
[DROPOUT → FC 4096 → RELU]*2 → FC
"""
"""224×224×3. Zeiler & Fergus 2014, figure 3: AlexNet with a first layer of 7×7 and stride 2, no groups; 62,357,608."""

_VGG = """
[[CONV 64 → RELU]*{0} → POOL] →
[[CONV 128 → RELU]*{1} → POOL] →
[[CONV 256 → RELU]*{2} → POOL] →
[[CONV 512 → RELU]*{3} → POOL]*2 →
[FC 4096 → RELU → DROPOUT]*2 → FC
"""

VGG11 = _VGG.format(1, 1, 2, 2)
VGG13 = _VGG.format(2, 2, 2, 2)
VGG16 = _VGG.format(2, 2, 3, 3)
VGG19 = _VGG.format(2, 2, 4, 4)
"""224×224×3. Simonyan & Zisserman 2015, table 1, columns A, B, D and E: nothing but 3×3 and 2×2; 132,863,336,
133,047,848, 138,357,544 and 143,667,240."""

PATTERNS = {
    "lenet5": LENET5,
    "lenet5_tanh": LENET5_TANH,
    "alexnet": ALEXNET,
    "alexnet_torchvision": ALEXNET_TORCHVISION,
    "zfnet": ZFNET,
    "vgg11": VGG11,
    "vgg13": VGG13,
    "vgg16": VGG16,
    "vgg19": VGG19,
}
"""All by name."""
