"""Non-maximum suppression as a loop in NumPy, a peer of the benchmark.

    python suppression_numpy.py

A stand-alone program. 1,000 boxes of 20 to 100 pixels on a picture of 640, of which the 100 best are kept whose overlap
is 0.5 or less: the box of the best score stays, those that overlap it go, and so on. The last line of stdout is JSON:
calls a second after first ones, under "examples_per_second".
"""

import json
import time

import numpy as np

BOXES, KEPT, CALLS, WARM_UP = 1000, 100, 150, 20


def suppress(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    """The places of the boxes that stay."""
    order = np.argsort(-scores)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept = []
    while len(order) and len(kept) < KEPT:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.maximum(high - low, 0).prod(axis=1)
        order = rest[common / (areas[best] + areas[rest] - common) <= 0.5]
    return kept


def main() -> None:
    """Prints the rate."""
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 540, (BOXES, 2)), rng.uniform(20, 100, (BOXES, 2))
    boxes, scores = np.concatenate([corner, corner + size], axis=1).astype(np.float32), rng.random(BOXES, np.float32)
    for call in range(WARM_UP + CALLS):
        if call == WARM_UP:
            started = time.perf_counter()
        suppress(boxes, scores)
    print(json.dumps({"examples_per_second": CALLS / (time.perf_counter() - started)}))


if __name__ == "__main__":
    main()
