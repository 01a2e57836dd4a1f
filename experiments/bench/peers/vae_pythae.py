"""An MLP autoencoder by Pythae's own model and trainer, one of the peers of the benchmarks.

    python vae_pythae.py --model vae --examples 5000 --batch 128 --epochs 5 --seed 0 --data FILE.npy

A stand-alone program for the environment of requirements.txt. Pythae's default networks are the ones wanted: encoder
784-512-16 (mean and log-variance, or a vector), decoder 16-512-784; Adam at 1e-3. MODEL is vae (Bernoulli likelihood,
one sample), iwae (the same, five samples) or vqvae (one of 512 codes an image, by gradient; squared error, the only one
that Pythae has for it). The data are the first rows of FILE.npy, float32 [N, 784] of zeros and ones, or random, cut to
whole batches (Pythae drops none). The last line of stdout is JSON: examples/s (of all epochs after the first, all that
the trainer does in them included), seconds per epoch, mean loss of the last epoch per example, parameters, threads
(OMP_NUM_THREADS sets them).
"""

import argparse
import json
import logging
import tempfile
import time
from functools import partial
from importlib.metadata import version

import numpy as np
import torch
from pythae.models import IWAE, VAE, VQVAE, IWAEConfig, VAEConfig, VQVAEConfig
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig, training_callbacks

PIXELS, LATENTS = 784, 16
SIZES = {"input_dim": (PIXELS,), "latent_dim": LATENTS}
MODELS = {
    "vae": lambda: VAE(VAEConfig(**SIZES, reconstruction_loss="bce")),
    "iwae": lambda: IWAE(IWAEConfig(**SIZES, reconstruction_loss="bce", number_samples=5)),
    "vqvae": lambda: VQVAE(VQVAEConfig(**SIZES, num_embeddings=512)),
}


class Stopwatch(training_callbacks.TrainingCallback):
    """Each epoch's seconds, from its beginning to its logging, and the last one's mean loss."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_epoch_begin(self, training_config: BaseTrainerConfig, **kwargs: object) -> None:
        self.start = time.perf_counter()

    def on_log(self, training_config: BaseTrainerConfig, logs: dict[str, float], **kwargs: object) -> None:
        self.seconds.append(time.perf_counter() - self.start)
        self.loss = logs["train_epoch_loss"]


def main() -> None:
    """Train and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"examples": 5000, "batch": 128, "epochs": 5, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    parser.add_argument("--data", metavar="FILE.npy", help="default: random")
    parser.add_argument("--model", choices=MODELS, default="vae", help="default: %(default)s")
    args = parser.parse_args()
    if args.epochs < 2 or not 1 <= args.batch <= args.examples:
        parser.error("--epochs must be at least 2, and --batch between 1 and --examples")
    rng, shape = np.random.default_rng(args.seed), (args.examples, PIXELS)
    images = np.load(args.data, allow_pickle=False)[: args.examples] if args.data else rng.integers(2, size=shape)
    if images.shape != shape or images.min() < 0 or images.max() > 1:
        parser.error(f"wanted values in [0, 1] of shape {shape}, got [{images.min()}, {images.max()}], {images.shape}")

    logging.disable(logging.CRITICAL)
    training_callbacks.tqdm = partial(training_callbacks.tqdm, disable=True)
    torch.manual_seed(args.seed)
    trained = len(images) // args.batch * args.batch
    model = MODELS[args.model]()
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=args.batch,
            num_epochs=args.epochs,
            learning_rate=1e-3,
            seed=args.seed,
            no_cuda=True,
        )
        TrainingPipeline(model, config)(images[:trained], callbacks=[stopwatch])

    result = {
        "peer": f"pythae {version('pythae')}",
        "examples_per_second": trained * (args.epochs - 1) / sum(stopwatch.seconds[1:]),
        "seconds_per_epoch": stopwatch.seconds,
        "final_loss": stopwatch.loss,
        "parameters": sum(p.numel() for p in model.parameters()),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
