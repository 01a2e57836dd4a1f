"""Log-likelihoods of the MLP variational autoencoder as bare PyTorch, one of the peers of the benchmark.

    python likelihood_torch.py --examples 5000 --batch 250 --epochs 3 --data FILE.npy

A stand-alone program for the environment of requirements.txt, beside vae_torch.py, whose network it takes as it is
drawn. log 1/50 Σ_k p(x, z_k)/q(z_k | x), z_k ~ q(z | x), of every image, without gradients. The data are the first rows
of FILE.npy, float32 [N, 784] of zeros and ones. The last line of stdout is JSON: examples/s (of the best pass after a
first; of EPOCHS at most three), threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import math
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from vae_torch import VAE

SAMPLES = 50


@torch.inference_mode()
def log_likelihoods(model: VAE, images: Tensor) -> Tensor:
    """One of each image, in nats."""
    mean, log_variance = model.encoder(images)[:, None].chunk(2, dim=-1)
    noise = torch.randn(len(images), SAMPLES, mean.shape[-1])
    latents = mean + torch.exp(0.5 * log_variance) * noise
    logits = model.decoder(latents)
    targets = images[:, None].expand_as(logits)
    of_images = -binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)
    prior_over_posterior = 0.5 * (noise**2 + log_variance - latents**2).sum(-1)
    return torch.logsumexp(of_images + prior_over_posterior, dim=1) - math.log(SAMPLES)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"examples": 5000, "batch": 250, "epochs": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    parser.add_argument("--data", metavar="FILE.npy", required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    images, model = torch.from_numpy(np.load(args.data, allow_pickle=False)[: args.examples]).float(), VAE().eval()
    seconds = []
    for _ in range(1 + min(args.epochs, 3)):
        started = time.perf_counter()
        found = torch.cat([log_likelihoods(model, part) for part in images.split(args.batch)])
        seconds.append(time.perf_counter() - started)
    assert torch.isfinite(found).all()
    result = {"examples_per_second": len(images) / min(seconds[1:]), "threads": torch.get_num_threads()}
    print(json.dumps({"peer": f"pytorch {torch.__version__.split('+')[0]}", **result}))


if __name__ == "__main__":
    main()
