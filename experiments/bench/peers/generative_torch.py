"""Steps of generative models as bare PyTorch loops, one of the peers of the benchmark.

    python generative_torch.py real-nvp

A stand-alone program for the environment of requirements.txt. Eight times a scale and a shift for each number, and an
affine coupling of a net 2-64-64-4 of SiLU units whose log-scales lie within a learned bound; Adam at 0.001 on the mean
negative log-density of batches of 256 points. The last line of stdout is JSON: examples/s (after a first chunk),
megabytes above those after imports, threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import math
import resource
import time

import torch
from torch import Tensor, nn

STEPS, WARM_UP, BATCH, DEPTH, WIDTH = 600, 200, 256, 8, 64


class Block(nn.Module):
    """Activation normalisation, and a coupling that keeps one of two numbers."""

    def __init__(self, parity: int):
        super().__init__()
        self.log_scale, self.bias = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
        self.log_bound = nn.Parameter(torch.zeros(2))
        self.register_buffer("kept", torch.tensor([parity == 0, parity == 1]))
        last = nn.Linear(WIDTH, 4)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(nn.Linear(2, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), last)

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """What comes of the values, and the log-determinant of each."""
        values = (values + self.bias) * self.log_scale.exp()
        raw, shift = self.net(values.masked_fill(~self.kept, 0.0)).chunk(2, dim=1)
        bound = self.log_bound.exp()
        stretch = (bound * torch.tanh(raw / bound)).masked_fill(self.kept, 0.0)
        moved = torch.where(self.kept, values, values * stretch.exp() + shift)
        return moved, self.log_scale.sum() + stretch.sum(dim=1)


def real_nvp() -> float:
    """Points a second."""
    blocks = nn.ModuleList(Block(number % 2) for number in range(DEPTH))
    optimizer = torch.optim.Adam(blocks.parameters(), lr=1e-3, fused=True)
    points = torch.randn(WARM_UP + STEPS, BATCH, 2)
    for number, values in enumerate(points):
        if number == WARM_UP:
            started = time.perf_counter()
        log_density = torch.zeros(BATCH)
        for block in blocks:
            values, log_determinants = block(values)
            log_density = log_density + log_determinants
        log_density = log_density - 0.5 * (values**2).sum(dim=1) - math.log(2 * math.pi)
        optimizer.zero_grad(set_to_none=True)
        (-log_density.mean()).backward()
        optimizer.step()
    return STEPS * BATCH / (time.perf_counter() - started)


WORKS = {"real-nvp": real_nvp}


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
