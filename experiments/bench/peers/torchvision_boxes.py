"""Torchvision's functions of boxes: what ours are held against, and as fast as they are.

    python torchvision_boxes.py --to FOLDER
    python torchvision_boxes.py --rate

A stand-alone program for the environment of requirements-parity.txt. FOLDER gets boxes.npz: boxes [sets, 60, 4] and
scores [sets, 60], drawn at random, of the last sets with ties; the places that non-maximum suppression keeps of each at
two thresholds, the rest −1; and the overlap and the generalised overlap of all pairs. ``--rate`` prints a JSON line:
calls a second with 1,000 boxes of 20 to 100 pixels on a picture of 640, of which the 100 best are kept.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torchvision import ops

THRESHOLDS = (0.3, 0.5)
SETS, BOXES = 8, 60
MANY, KEPT, CALLS, WARM_UP = 1000, 100, 300, 50


def write(folder: Path) -> None:
    """Boxes, and what is made of them."""
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 60, (SETS, BOXES, 2)), rng.uniform(5, 40, (SETS, BOXES, 2))
    boxes = np.concatenate([corner, corner + size], axis=-1).astype(np.float32)
    scores = rng.random((SETS, BOXES), np.float32)
    scores[SETS // 2 :] = scores[SETS // 2 :].round(1)
    arrays = {"boxes": boxes, "scores": scores}
    for threshold in THRESHOLDS:
        kept = np.full((SETS, BOXES), -1)
        for number in range(SETS):
            order = np.argsort(-scores[number], kind="stable")
            ordered = torch.from_numpy(boxes[number][order]), torch.from_numpy(scores[number][order])
            stays = order[ops.nms(*ordered, threshold).numpy()]
            kept[number, : len(stays)] = stays
        arrays[f"kept_{threshold}"] = kept
    pairs = [torch.from_numpy(each) for each in boxes]
    arrays["overlap"] = np.stack([ops.box_iou(each, each).numpy() for each in pairs])
    arrays["generalized"] = np.stack([ops.generalized_box_iou(each, each).numpy() for each in pairs])
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "boxes.npz", **arrays)


def print_rate() -> None:
    """Calls a second."""
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 540, (MANY, 2)), rng.uniform(20, 100, (MANY, 2))
    boxes = torch.from_numpy(np.concatenate([corner, corner + size], axis=1).astype(np.float32))
    scores = torch.from_numpy(rng.random(MANY, np.float32))
    for call in range(WARM_UP + CALLS):
        if call == WARM_UP:
            started = time.perf_counter()
        ops.nms(boxes, scores, 0.5)[:KEPT]
    print(json.dumps({"examples_per_second": CALLS / (time.perf_counter() - started)}))


def main() -> None:
    """Writes, or measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    parser.add_argument("--rate", action="store_true")
    args = parser.parse_args()
    if args.rate:
        print_rate()
    else:
        write(args.to)


if __name__ == "__main__":
    main()
