"""Nets of pictures as bare PyTorch loops, peers of the benchmark.

    python vision_torch.py unet --layout channels_last
    python vision_torch.py yolo --layout channels_last
    python vision_torch.py deep-dream --layout channels_last

A stand-alone program for the environment of requirements.txt. unet: three levels of two 3×3 convolutions with 16, 32
and 48 features, 2×2 pools down and 2×2 transposed convolutions up, four classes, 64×64, batch 16, training steps of
Adam on the cross-entropy of all pixels. yolo: the slim YOLOv3 (8, 16, 32, 64 and 64 features, 0, 1, 1 and 1 residual
blocks, three heads), 128×128, 8 images at a time, its maps in inference with batch normalisation that is not folded
away. deep-dream: steps of ascent in a picture of 192×288 for half the mean square of the second of two convolutions (16
features of 5×5, 32 of 3×3, rectifiers, a 2×2 pool between), each 0.003 of the gradient over its mean size.

The last line of stdout is JSON: images or steps a second (after first ones), megabytes above those after imports,
threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import resource
import time

import torch
from torch import Tensor, nn
from torch.nn import functional

CHUNKS = 3
SIDE, BATCH, STEPS, CLASSES = 64, 16, 10, 4
SEEN, AT_ONCE, PASSES = 128, 8, 10
LEVELS = (16, 32, 48)
PICTURE, DREAM_STEPS = (192, 288), 10
WIDTHS, BLOCKS, HEAD, OUTPUTS = (8, 16, 32, 64, 64), (0, 1, 1, 1), 3, 3 * (5 + 3)


class UNet(nn.Module):
    """Down, and up again beside what the way down had."""

    def __init__(self):
        super().__init__()

        def level(before: int, features: int) -> nn.Module:
            first, second = nn.Conv2d(before, features, 3, padding=1), nn.Conv2d(features, features, 3, padding=1)
            return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

        self.down = nn.ModuleList(level(a, b) for a, b in zip((1, *LEVELS[:-1]), LEVELS, strict=True))
        pairs = list(zip(LEVELS[1:], LEVELS[:-1], strict=True))[::-1]
        self.doublings = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        self.up = nn.ModuleList(level(2 * b, b) for _, b in pairs)
        self.last = nn.Conv2d(LEVELS[0], CLASSES, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of every pixel."""
        kept = []
        hidden = images
        for number, level in enumerate(self.down):
            hidden = level(functional.max_pool2d(hidden, 2) if number else hidden)
            kept.append(hidden)
        kept.pop()
        for doubling, level in zip(self.doublings, self.up, strict=True):
            hidden = level(torch.cat([kept.pop(), doubling(hidden)], dim=1))
        return self.last(hidden)


class Unit(nn.Sequential):
    """Convolution, batch normalisation and leaky ReLU."""

    def __init__(self, before: int, features: int, window: int, stride: int = 1):
        layer = nn.Conv2d(before, features, window, stride, window // 2, bias=False)
        super().__init__(layer, nn.BatchNorm2d(features), nn.LeakyReLU(0.1))


class Residual(nn.Module):
    """A block of the trunk."""

    def __init__(self, features: int):
        super().__init__()
        self.narrow, self.wide = Unit(features, features // 2, 1), Unit(features // 2, features, 3)

    def forward(self, hidden: Tensor) -> Tensor:
        """Maps of the same shape."""
        return hidden + self.wide(self.narrow(hidden))


class YOLO(nn.Module):
    """The trunk, and three heads."""

    def __init__(self):
        super().__init__()
        self.stem, self.stages = Unit(1, WIDTHS[0], 3), nn.ModuleList()
        for before, width, count in zip(WIDTHS[:-1], WIDTHS[1:], BLOCKS, strict=True):
            blocks = [Residual(width) for _ in range(count)]
            self.stages.append(nn.Sequential(Unit(before, width, 3, 2), *blocks))
        self.laterals, self.heads, self.outputs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before = WIDTHS[-1]
        for scale, width in enumerate(WIDTHS[:-4:-1]):
            if scale:
                self.laterals.append(Unit(before, width // 2, 1))
                before = width // 2 + width
            units = []
            for number in range(HEAD):
                features, window = (width // 2, 1) if number % 2 == 0 else (width, 3)
                units.append(Unit(before, features, window))
                before = features
            self.heads.append(nn.Sequential(*units))
            self.outputs.append(nn.Sequential(Unit(before, width, 3), nn.Conv2d(width, OUTPUTS, 1)))

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps, the coarsest first."""
        hidden, maps, said = self.stem(images), [], []
        for stage in self.stages:
            hidden = stage(hidden)
            maps.append(hidden)
        hidden = maps.pop()
        for scale, (head, output) in enumerate(zip(self.heads, self.outputs, strict=True)):
            if scale:
                larger = functional.interpolate(self.laterals[scale - 1](hidden), scale_factor=2, mode="nearest")
                hidden = torch.cat([larger, maps.pop()], dim=1)
            hidden = head(hidden)
            said.append(output(hidden))
        return said


def unet(layout: torch.memory_format) -> float:
    """Images a second of training."""
    model = UNet().to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    images = torch.rand(STEPS, BATCH, 1, SIDE, SIDE)
    labels = torch.randint(CLASSES, (STEPS, BATCH, SIDE, SIDE))
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        for batch, label in zip(images, labels, strict=True):
            loss = functional.cross_entropy(model(batch.contiguous(memory_format=layout)), label)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    return CHUNKS * STEPS * BATCH / (time.perf_counter() - started)


@torch.inference_mode()
def yolo(layout: torch.memory_format) -> float:
    """Images a second of inference."""
    model = YOLO().eval().to(memory_format=layout)
    images = torch.rand(AT_ONCE, 1, SEEN, SEEN).contiguous(memory_format=layout)
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        for _ in range(PASSES):
            model(images)
    return CHUNKS * PASSES * AT_ONCE / (time.perf_counter() - started)


def deep_dream(layout: torch.memory_format) -> float:
    """Steps a second."""
    first, second = nn.Conv2d(3, 16, 5, padding=2), nn.Conv2d(16, 32, 3, padding=1)
    model = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU()).requires_grad_(False)
    model = model.to(memory_format=layout)
    picture = torch.rand(1, 3, *PICTURE).contiguous(memory_format=layout).requires_grad_()
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        for _ in range(DREAM_STEPS):
            (slope,) = torch.autograd.grad(0.5 * model(picture).square().mean(), picture)
            with torch.no_grad():
                picture.add_(0.003 * slope / slope.abs().mean()).clamp_(0, 1)
    return CHUNKS * DREAM_STEPS / (time.perf_counter() - started)


WORKS = {"unet": unet, "yolo": yolo, "deep-dream": deep_dream}


def main() -> None:
    """Runs one work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("--layout", choices=("channels_last", "contiguous_format"), default="contiguous_format")
    args = parser.parse_args()
    torch.manual_seed(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_second = WORKS[args.work](getattr(torch, args.layout))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        json.dumps({"examples_per_second": per_second, "megabytes": grown / 1024, "threads": torch.get_num_threads()})
    )


if __name__ == "__main__":
    main()
