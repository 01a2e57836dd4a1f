"""The classifier of coloured patches of photographs that comes with the package."""

from pathlib import Path

from experiments.networks.digit_classifier.classifier import Classifier
from experiments.networks.shipped import shipped_params
from models.convnets.pattern_net import pattern_net

FILE = Path(__file__).with_name("convnet.safetensors")
SHA256 = "ce771ce172144b285876be32d02f64d6840676298ff1642c0bbf1f51acdab740"
PATTERN = "CONV 16 5x5 → BN → RELU → POOL → CONV 32 → BN → RELU → POOL → CONV 48 → BN → RELU → POOL average all → FC"


def patch_classifier() -> Classifier:
    """A net of 32×32 patches from twelve regions of two photographs, 11.1 % test error, trained as the README beside
    this file says. It pools everything before its last layer, so images may be of any size.

    ``ValueError`` where its file is not the one that came with the package.
    """
    network, name = pattern_net(PATTERN, classes=12), f"net of patches, sha256:{SHA256[:12]}"
    return Classifier(network.apply, shipped_params(FILE, SHA256), (32, 32, 3), 12, name, network)
