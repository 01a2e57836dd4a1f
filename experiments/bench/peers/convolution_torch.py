"""Convolutional nets as bare PyTorch loops, peers of the benchmark.

    python convolution_torch.py NET --layout channels_last

A stand-alone program for the environment of requirements.txt. NET is three-layers (3×3 to 32, 64 and 64 features with
two 2×2 pools, 28², batch 128), resnet20 (He et al. 2016, option A, 32², batch 128) or lenet (20 and 50 features of 5×5,
500 units, tanh, 28², batch 500). Steps of SGD with momentum on batches of noise. The last line of stdout is JSON:
examples/s (the first steps apart), MB at most above those after imports, parameters, threads (OMP_NUM_THREADS sets
them).
"""

import argparse
import json
import resource
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad, relu

STEPS = 20
"""distinct batches, and steps of a round"""


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions; the shortcut skips pixels and pads channels with zeros."""

    def __init__(self, channels: int, features: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(channels, features, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(features, features, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(features) for _ in range(2))
        self.stride, self.added = stride, features - channels

    def forward(self, images: Tensor) -> Tensor:
        """Sum of both ways."""
        hidden = self.norms[1](self.second(relu(self.norms[0](self.first(images)))))
        shortcut = pad(images[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return relu(shortcut + hidden)


def three_layers() -> nn.Module:
    """1-32-64-64."""
    layers = []
    for channels, features, pools in ((1, 32, True), (32, 64, True), (64, 64, False)):
        layers += [nn.Conv2d(channels, features, 3, padding=1), nn.ReLU(), *([nn.MaxPool2d(2)] * pools)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 7 * 7, 10))


def resnet20() -> nn.Module:
    """Three stages of three blocks."""
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for features in (16, 32, 64):
        for _ in range(3):
            layers.append(ResidualBlock(channels, features, features // channels))
            channels = features
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def lenet() -> nn.Module:
    """The net of LISA's tutorial."""
    layers = [nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Tanh(), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Tanh()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(800, 500), nn.Tanh(), nn.Linear(500, 10))


NETS = {
    "three-layers": (three_layers, (1, 28, 28), 128),
    "resnet20": (resnet20, (3, 32, 32), 128),
    "lenet": (lenet, (1, 28, 28), 500),
}


def train(model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> None:
    """A step on each batch."""
    for batch, label in zip(images, labels):  # noqa: B905  same lengths, and the peers' Python may be old
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(model(batch), label).backward()
        optimizer.step()


def peak_megabytes() -> float:
    """The most memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Train and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("--layout", choices=("contiguous_format", "channels_last"), default="channels_last")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of 20 steps (default: %(default)s)")
    args = parser.parse_args()

    imported = peak_megabytes()
    torch.manual_seed(0)
    network, image, batch = NETS[args.net]
    layout = getattr(torch, args.layout)
    model = network().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    images = [torch.randn(batch, *image).to(memory_format=layout) for _ in range(STEPS)]
    labels = torch.randint(10, (STEPS, batch))
    train(model, optimizer, images, labels)
    start = time.perf_counter()
    for _ in range(args.rounds):
        train(model, optimizer, images, labels)
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": args.rounds * STEPS * batch / (time.perf_counter() - start),
        "megabytes": peak_megabytes() - imported,
        "parameters": sum(p.numel() for p in model.parameters()),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
