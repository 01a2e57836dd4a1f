"""Nets of torchvision with random weights, and what they make of random images: what ours are held against.

    python torchvision_nets.py --net resnet50 --size 224 --to FOLDER
    python torchvision_nets.py --names resnet50 vgg11 > names.json

A stand-alone program for the environment of requirements-parity.txt. FOLDER gets weights.safetensors, the state
dict as torchvision names it, and outputs.npz: images [2, size, size, 3] and logits [2, 1000] in inference. Running
statistics are drawn too, as those of a new net would hide a mistake. ``--names`` prints the shapes of state dicts.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models


def made(name: str) -> nn.Module:
    """A net with random weights and running statistics; GoogLeNet with its auxiliary classifiers."""
    options = {"init_weights": False, "aux_logits": True} if name == "googlenet" else {}
    net = models.get_model(name, weights=None, **options)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, std=0.2)
    return net.eval()


def main() -> None:
    """Write a net and its outputs, or print the shapes of state dicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", metavar="NET", help="print names and shapes of their state dicts")
    parser.add_argument("--net", help="as torchvision calls it")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images; default: %(default)s")
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    torch.manual_seed(0)
    if args.names:
        state_dicts = {name: made(name).state_dict() for name in args.names}
        shapes = {net: {name: list(leaf.shape) for name, leaf in state.items()} for net, state in state_dicts.items()}
        print(json.dumps(shapes))
        return
    net = made(args.net)
    images = torch.randn(2, 3, args.size, args.size)
    with torch.no_grad():
        logits = net(images)
    args.to.mkdir(parents=True, exist_ok=True)
    save_file({name: leaf.contiguous() for name, leaf in net.state_dict().items()}, args.to / "weights.safetensors")
    np.savez(args.to / "outputs.npz", images=images.permute(0, 2, 3, 1).numpy(), logits=logits.numpy())


if __name__ == "__main__":
    main()
