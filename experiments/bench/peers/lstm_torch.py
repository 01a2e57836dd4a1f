"""An LSTM 32 → 128 over 100 places as a bare PyTorch loop, a peer of the benchmark; and PyTorch's cells by themselves.

    python lstm_torch.py
    python lstm_torch.py --to FOLDER

A stand-alone program for the environment of requirements.txt: Adam (fused) on the squared error of one number, batch
64. The last line of stdout is JSON: examples/s (the first steps apart), MB at most above those after imports. With
``--to`` it trains nothing, but writes weights, inputs, outputs and gradients of its RNN, LSTM and GRU, two layers both
ways, to FOLDER/NAME.npz, for the tests of parity.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

FEATURES, UNITS, PLACES, BATCH, STEPS = 32, 128, 100, 64, 20


class Net(nn.Module):
    """The last hidden state → one number."""

    def __init__(self):
        super().__init__()
        self.recurrence, self.readout = nn.LSTM(FEATURES, UNITS), nn.Linear(UNITS, 1)

    def forward(self, inputs):
        return self.readout(self.recurrence(inputs)[0][-1])[:, 0]


def train(net: Net, optimizer: torch.optim.Optimizer, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    """Twenty steps."""
    for now, target in zip(inputs, targets):  # noqa: B905  as many
        optimizer.zero_grad()
        ((net(now) - target) ** 2).mean().backward()
        optimizer.step()


def write_cells(folder: Path) -> None:
    """Numbers of PyTorch's three recurrent layers, in double precision."""
    for name in ("RNN", "LSTM", "GRU"):
        torch.manual_seed(0)
        layer = getattr(nn, name)(3, 4, num_layers=2, bidirectional=True, dtype=torch.float64)
        inputs = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
        outputs, _ = layer(inputs)
        outputs.sin().sum().backward()
        numbers = {key: value.detach().numpy() for key, value in layer.named_parameters()}
        slopes = {f"slope/{key}": value.grad.numpy() for key, value in layer.named_parameters()}
        given = {"inputs": inputs.detach().numpy(), "outputs": outputs.detach().numpy()}
        np.savez(folder / f"{name}.npz", **numbers, **slopes, **given, **{"slope/inputs": inputs.grad.numpy()})


def peak_megabytes() -> float:
    """The most memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Train and print the measurement, or write the cells' numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of 20 steps (default: %(default)s)")
    parser.add_argument("--to", type=Path, help="write the cells' numbers to this folder instead")
    args = parser.parse_args()
    if args.to:
        write_cells(args.to)
        return
    imported = peak_megabytes()
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    data = torch.randn(STEPS, PLACES, BATCH, FEATURES), torch.randn(STEPS, BATCH)
    train(net, optimizer, *data)
    start = time.perf_counter()
    for _ in range(args.rounds):
        train(net, optimizer, *data)
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": args.rounds * STEPS * BATCH / (time.perf_counter() - start),
        "megabytes": peak_megabytes() - imported,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
