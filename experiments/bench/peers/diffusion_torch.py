"""A diffusion of 8 × 8 images as bare PyTorch, one of the peers of the benchmark.

    python diffusion_torch.py unet
    python diffusion_torch.py ddim

A stand-alone program for the environment of requirements.txt. A U-Net of 16 and 32 channels with one residual block a
level, group normalisation, SiLU, attention at the lowest level, told the signal ratio and one of ten labels. "unet":
Adam at 0.002 on the squared error of the noise, batches of 64; "ddim": 64 images in 50 steps. The last line of stdout
is JSON: examples/s (after a first chunk), megabytes above those after imports, threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import math
import resource
import time

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS, CLASSES, BATCH, SIDE, NOISE_STEPS, SAMPLING_STEPS = (16, 32), 10, 64, 8, 1000, 50
CHUNK, CHUNKS = 50, 3


def ratios_of() -> Tensor:
    """The cosine schedule's ᾱ."""
    steps = torch.arange(NOISE_STEPS + 1, dtype=torch.float64) / NOISE_STEPS
    left = torch.cos((steps + 0.008) / 1.008 * math.pi / 2) ** 2
    return torch.cumprod((left[1:] / left[:-1]).clamp(min=0.001), 0).float()


class Condition(nn.Module):
    """Sines and cosines of the ratio's angle, two dense layers, and a vector of the label."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.label = nn.Embedding(CLASSES + 1, width)
        self.register_buffer("frequencies", 10000.0 ** (-torch.arange(0, width, 2) / width))

    def forward(self, ratios: Tensor, labels: Tensor) -> Tensor:
        """What is told."""
        angles = 1000 * torch.atan2((1 - ratios).sqrt(), ratios.sqrt()) * (2 / math.pi)
        waves = angles[:, None] * self.frequencies
        encoded = torch.stack([waves.sin(), waves.cos()], dim=-1).flatten(1)
        return self.second(functional.silu(self.first(encoded))) + self.label(labels)


def norm(channels: int) -> nn.GroupNorm:
    """Groups of four channels, eight at most."""
    return nn.GroupNorm(max(1, min(8, channels // 4)), channels)


class Block(nn.Module):
    """Two convolutions around which the input is added; what is told is added between them."""

    def __init__(self, inputs: int, channels: int, told: int):
        super().__init__()
        self.norms = nn.ModuleList([norm(inputs), norm(channels)])
        self.first, self.second = nn.Conv2d(inputs, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
        self.told = nn.Linear(told, channels)
        self.passed = nn.Identity() if inputs == channels else nn.Conv2d(inputs, channels, 1)

    def forward(self, images: Tensor, told: Tensor) -> Tensor:
        """Images of as many rows and columns."""
        hidden = self.first(functional.silu(self.norms[0](images)))
        hidden = hidden + self.told(functional.silu(told))[:, :, None, None]
        return self.second(functional.silu(self.norms[1](hidden))) + self.passed(images)


class PixelAttention(nn.Module):
    """Every pixel attends to every other, and what it finds is added."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm, self.output = norm(channels), nn.Linear(channels, channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)

    def forward(self, images: Tensor) -> Tensor:
        """Images of the same shape."""
        tokens = self.norm(images).flatten(2).transpose(1, 2)
        found = functional.scaled_dot_product_attention(*self.query_key_value(tokens).chunk(3, dim=-1))
        return images + self.output(found).transpose(1, 2).reshape(images.shape)


class UNet(nn.Module):
    """Down, attention, and up again with what the way down had."""

    def __init__(self):
        super().__init__()
        width, kept, before = 4 * CHANNELS[0], [CHANNELS[0]], CHANNELS[0]
        self.condition, self.first = Condition(width), nn.Conv2d(1, CHANNELS[0], 3, padding=1)
        self.halvings, self.down, self.up, self.doublings = (nn.ModuleList() for _ in range(4))
        for level, channels in enumerate(CHANNELS):
            if level:
                self.halvings.append(nn.Conv2d(before, channels, 3, 2, padding=1))
                kept.append(channels)
            self.down.append(Block(channels, channels, width))
            kept.append(channels)
            before = channels
        self.middle = nn.ModuleList([Block(before, before, width), Block(before, before, width)])
        self.attention = PixelAttention(before)
        for level, channels in reversed(list(enumerate(CHANNELS))):
            for _ in range(2):
                self.up.append(Block(before + kept.pop(), channels, width))
                before = channels
            if level:
                self.doublings.append(nn.Conv2d(channels, channels, 3, padding=1))
        self.last_norm, self.last = norm(before), nn.Conv2d(before, 1, 3, padding=1)

    def forward(self, noisy: Tensor, ratios: Tensor, labels: Tensor) -> Tensor:
        """The noise."""
        told = self.condition(ratios, labels)
        hidden = self.first(noisy)
        kept = [hidden]
        for level, block in enumerate(self.down):
            if level:
                hidden = self.halvings[level - 1](hidden)
                kept.append(hidden)
            hidden = block(hidden, told)
            kept.append(hidden)
        hidden = self.middle[1](self.attention(self.middle[0](hidden, told)), told)
        for number, block in enumerate(self.up):
            hidden = block(torch.cat([hidden, kept.pop()], dim=1), told)
            if number % 2 and number // 2 < len(self.doublings):
                doubled = functional.interpolate(hidden, scale_factor=2, mode="nearest")
                hidden = self.doublings[number // 2](doubled)
        return self.last(functional.silu(self.last_norm(hidden)))


def unet() -> float:
    """Images a second of training."""
    model, ratios = UNet(), ratios_of()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
    images = torch.rand(CHUNK, BATCH, 1, SIDE, SIDE) * 2 - 1
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        for batch in images:
            ratio = ratios[torch.randint(NOISE_STEPS, (BATCH,))]
            labels, noise = torch.randint(CLASSES + 1, (BATCH,)), torch.randn_like(batch)
            signal, deviation = ratio.sqrt()[:, None, None, None], (1 - ratio).sqrt()[:, None, None, None]
            loss = functional.mse_loss(model(signal * batch + deviation * noise, ratio, labels), noise)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    return CHUNKS * CHUNK * BATCH / (time.perf_counter() - started)


@torch.inference_mode()
def ddim() -> float:
    """Images a second of sampling."""
    model, ratios = UNet(), ratios_of()
    chosen = ratios[torch.linspace(0, NOISE_STEPS - 1, SAMPLING_STEPS).round().long()].flip(0)
    after = torch.cat([chosen[1:], torch.ones(1)])
    labels = torch.randint(CLASSES, (BATCH,))
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        noisy = torch.randn(BATCH, 1, SIDE, SIDE)
        for ratio, following in zip(chosen, after, strict=True):
            said = model(noisy, ratio.expand(BATCH), labels)
            clean = ((noisy - (1 - ratio).sqrt() * said) / ratio.sqrt()).clamp(-1, 1)
            noise = (noisy - ratio.sqrt() * clean) / (1 - ratio).sqrt()
            noisy = following.sqrt() * clean + (1 - following).sqrt() * noise
    return CHUNKS * BATCH / (time.perf_counter() - started)


WORKS = {"unet": unet, "ddim": ddim}


def main() -> None:
    """Runs one work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORKS)
    work = WORKS[parser.parse_args().work]
    torch.manual_seed(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_second = work()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        json.dumps({"examples_per_second": per_second, "megabytes": grown / 1024, "threads": torch.get_num_threads()})
    )


if __name__ == "__main__":
    main()
