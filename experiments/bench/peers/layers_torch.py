"""One convolution with both of its gradients as a bare PyTorch loop, a peer of the benchmark.

    python layers_torch.py --size 14 --channels 32 --features 64 --window 3 --stride 1 --groups 1

A stand-alone program for the environment of requirements.txt: descent on ‖y‖²/2 by images and kernel alike, batch 128,
channels last. The last line of stdout is JSON: examples/s (the first steps apart), MB at most above those after
imports.
"""

import argparse
import json
import resource
import time

import torch
from torch import Tensor
from torch.nn.functional import conv2d

BATCH, STEPS, LEARNING_RATE = 128, 20, 1e-9


def train(images: Tensor, kernel: Tensor, options: dict[str, int]) -> None:
    """Twenty steps in place."""
    for _ in range(STEPS):
        out = conv2d(images, kernel, **options)
        slopes = torch.autograd.grad(out, (images, kernel), out.detach())
        with torch.no_grad():
            for operand, slope in zip((images, kernel), slopes):  # noqa: B905  both pairs
                operand.sub_(slope, alpha=LEARNING_RATE)


def peak_megabytes() -> float:
    """The most memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Train and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("size", "channels", "features", "window", "stride", "groups"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of 20 steps (default: %(default)s)")
    args = parser.parse_args()

    imported = peak_megabytes()
    torch.manual_seed(0)
    shapes = (
        (BATCH, args.channels, args.size, args.size),
        (args.features, args.channels // args.groups, args.window, args.window),
    )
    images, kernel = (torch.randn(shape).to(memory_format=torch.channels_last).requires_grad_(True) for shape in shapes)
    options = {"stride": args.stride, "padding": args.window // 2, "groups": args.groups}
    train(images, kernel, options)
    start = time.perf_counter()
    for _ in range(args.rounds):
        train(images, kernel, options)
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": args.rounds * STEPS * BATCH / (time.perf_counter() - start),
        "megabytes": peak_megabytes() - imported,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
