"""The matrix products of a step of training by PyTorch, a peer of the benchmark.

    python products_torch.py --examples 64 y:100:64:128:512 dx:100:64:128:512 dW:1:6400:128:512

A stand-alone program for the environment of requirements.txt. Each product is of a dense layer y = x W, written
OF:COUNT:ROWS:INPUTS:OUTPUTS: y is x W, dx is δy Wᵀ, dW is xᵀ δy. The last line of stdout is JSON: examples/s (the first
steps apart), MB at most above those after imports.
"""

import argparse
import json
import resource
import time
from typing import NamedTuple

import torch
from torch import Tensor

STEPS = 20


class Product(NamedTuple):
    """Both sides, and how often they are multiplied."""

    count: int
    first: Tensor
    second: Tensor


def product_of(text: str) -> Product:
    """Noise in the shapes that are said."""
    of, *numbers = text.split(":")
    count, rows, inputs, outputs = map(int, numbers)
    x, dy, weights = torch.randn(rows, inputs), torch.randn(rows, outputs), torch.randn(inputs, outputs)
    return Product(count, *{"y": (x, weights), "dx": (dy, weights.T), "dW": (x.T, dy)}[of])


def multiply(products: list[Product]) -> None:
    """Twenty steps."""
    for _ in range(STEPS):
        for product in products:
            for _ in range(product.count):
                product.first @ product.second


def peak_megabytes() -> float:
    """The most memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Multiply and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("products", nargs="+", type=product_of, metavar="OF:COUNT:ROWS:INPUTS:OUTPUTS")
    parser.add_argument("--examples", type=int, required=True, help="examples of a step")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of 20 steps (default: %(default)s)")
    args = parser.parse_args()

    imported = peak_megabytes()
    multiply(args.products)
    start = time.perf_counter()
    for _ in range(args.rounds):
        multiply(args.products)
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": args.rounds * STEPS * args.examples / (time.perf_counter() - start),
        "megabytes": peak_megabytes() - imported,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
