"""The MLP variational autoencoder as a bare PyTorch loop, one of the peers of the benchmark.

    python vae_torch.py --examples 5000 --batch 128 --epochs 5 --seed 0 --data FILE.npy

A stand-alone program for the environment of requirements.txt. Encoder 784-512-(mean, log-variance of 16), decoder
16-512-784, Bernoulli likelihood, one sample, Adam at 1e-3. The data are the first rows of FILE.npy, float32 [N, 784] of
zeros and ones, or random; a last batch that is not full is dropped. The last line of stdout is JSON: examples/s (of all
epochs after the first), seconds per epoch, mean loss of the last epoch in nats per example, parameters,
threads (OMP_NUM_THREADS sets them). Fused Adam alone brings about 30 % more examples/s on two cores than the default.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

PIXELS, HIDDEN, LATENTS = 784, 512, 16


class VAE(nn.Module):
    """q(z|x) and p(x|z), each with one hidden layer of rectified linear units."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENTS))
        self.decoder = nn.Sequential(nn.Linear(LATENTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS))

    def forward(self, x: Tensor) -> Tensor:
        """The negative evidence lower bound of a batch, in nats per example."""
        mean, log_variance = self.encoder(x).chunk(2, dim=-1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        reconstruction = binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        divergence = 0.5 * (log_variance.exp() + mean.square() - 1.0 - log_variance).sum()
        return (reconstruction + divergence) / len(x)


def train_epoch(model: VAE, optimizer: torch.optim.Optimizer, data: Tensor, batch: int) -> float:
    """One pass in a fresh order; the mean loss over its steps."""
    steps, total = len(data) // batch, torch.zeros(())
    for index in torch.randperm(len(data))[: steps * batch].split(batch):
        loss = model(data[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / steps


def main() -> None:
    """Train and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"examples": 5000, "batch": 128, "epochs": 5, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    parser.add_argument("--data", metavar="FILE.npy", help="default: random")
    args = parser.parse_args()
    if args.epochs < 2 or not 1 <= args.batch <= args.examples:
        parser.error("--epochs must be at least 2, and --batch between 1 and --examples")
    rng, shape = np.random.default_rng(args.seed), (args.examples, PIXELS)
    images = np.load(args.data, allow_pickle=False)[: args.examples] if args.data else rng.integers(2, size=shape)
    if images.shape != shape or images.min() < 0 or images.max() > 1:
        parser.error(f"wanted values in [0, 1] of shape {shape}, got [{images.min()}, {images.max()}], {images.shape}")

    torch.manual_seed(args.seed)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    data, seconds = torch.from_numpy(images).float(), []
    for _ in range(args.epochs):
        start = time.perf_counter()
        loss = train_epoch(model, optimizer, data, args.batch)
        seconds.append(time.perf_counter() - start)

    trained = len(data) // args.batch * args.batch
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": trained * (args.epochs - 1) / sum(seconds[1:]),
        "seconds_per_epoch": seconds,
        "final_loss": loss,
        "parameters": sum(p.numel() for p in model.parameters()),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
