"""The MLP classifier as a bare PyTorch loop, one of the peers of the benchmark.

    python mlp_torch.py --examples 5000 --batch 20 --epochs 5 --seed 0 --data FILE.npy --labels FILE.npy

A stand-alone program for the environment of requirements.txt. 784-500-10 with tanh, cross-entropy, SGD at 0.01 with an
L2 term. The data are the first rows of FILE.npy, float32 [N, 784], and their labels, int32 [N]. The last line of stdout
is JSON: examples/s (of all epochs after the first), mean loss of the last epoch in nats per example, parameters,
threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def train_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, data: Tensor, labels: Tensor, batch: int) -> float:
    """One pass in a fresh order; the mean loss over its steps."""
    steps, total = len(data) // batch, torch.zeros(())
    for index in torch.randperm(len(data))[: steps * batch].split(batch):
        loss = cross_entropy(model(data[index]), labels[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / steps


def main() -> None:
    """Train and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"examples": 5000, "batch": 20, "epochs": 5, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    for name in ("data", "labels"):
        parser.add_argument(f"--{name}", metavar="FILE.npy", required=True)
    args = parser.parse_args()
    if args.epochs < 2 or not 1 <= args.batch <= args.examples:
        parser.error("--epochs must be at least 2, and --batch between 1 and --examples")

    torch.manual_seed(args.seed)
    model = nn.Sequential(nn.Linear(784, 500), nn.Tanh(), nn.Linear(500, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=2e-4, fused=True)
    data, labels = (
        torch.from_numpy(np.load(path, allow_pickle=False)[: args.examples]) for path in (args.data, args.labels)
    )
    labels, seconds = labels.long(), []
    for _ in range(args.epochs):
        start = time.perf_counter()
        loss = train_epoch(model, optimizer, data, labels, args.batch)
        seconds.append(time.perf_counter() - start)

    trained = len(data) // args.batch * args.batch
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": trained * (args.epochs - 1) / sum(seconds[1:]),
        "final_loss": loss,
        "parameters": sum(p.numel() for p in model.parameters()),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
