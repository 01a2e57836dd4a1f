"""A graph convolutional network as a bare PyTorch loop on sparse tensors, one of the peers of the benchmark.

    python gcn_torch.py --epochs 200 --seed 0 --layout coo --data GRAPH.npz

A stand-alone program for the environment of requirements.txt. Features → 16 → classes, softmax(Â relu(Â X W) W), Adam
at 0.01, an L2 term of the first kernel, dropout of one half of the features' entries and of the hidden units. GRAPH.npz
has the keys of docs/data.md. The last line of stdout is JSON: examples/s (epochs, after ten more), loss of the last
epoch in nats per node, parameters, threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, dropout, relu

WARM_UP = 10


def normalized(edges: Tensor, nodes: int) -> Tensor:
    """The adjacency with loops, divided by the square roots of both ends' degrees; sparse."""
    loops = torch.arange(nodes)
    index = torch.cat([edges.T, edges.T.flip(0), loops.expand(2, -1)], dim=1)
    scale = torch.bincount(index[0], minlength=nodes).rsqrt()
    return torch.sparse_coo_tensor(index, scale[index[0]] * scale[index[1]], (nodes, nodes)).coalesce()


def main() -> None:
    """Train and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"epochs": 200, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    parser.add_argument("--layout", choices=("coo", "csr"), default="coo", help="of the adjacency")
    parser.add_argument("--data", metavar="GRAPH.npz", required=True)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.sparse.check_sparse_tensor_invariants.disable()
    arrays = dict(np.load(args.data, allow_pickle=False))
    nodes, features = map(int, arrays["shape"])
    index = torch.from_numpy(arrays["feature_index"].astype(np.int64))
    value = torch.from_numpy(arrays["feature_value"])
    value = value / torch.zeros(nodes).index_add(0, index[0], value).clamp(min=1e-12)[index[0]]
    adjacency = normalized(torch.from_numpy(arrays["edges"].astype(np.int64)), nodes)
    adjacency = adjacency.to_sparse_csr() if args.layout == "csr" else adjacency
    labels, train = (torch.from_numpy(arrays[key].astype(np.int64)) for key in ("labels", "train"))
    kernels = [torch.empty(features, 16), torch.empty(16, int(labels.max()) + 1)]
    first, second = (torch.nn.Parameter(torch.nn.init.xavier_uniform_(kernel)) for kernel in kernels)
    groups = [{"params": [first], "weight_decay": 5e-4}, {"params": [second]}]
    optimizer, targets = torch.optim.Adam(groups, lr=0.01, fused=True), labels[train]

    def epoch() -> Tensor:
        dropped = torch.sparse_coo_tensor(index, dropout(value, 0.5), (nodes, features), is_coalesced=True)
        hidden = relu(torch.sparse.mm(adjacency, torch.sparse.mm(dropped, first)))
        outputs = torch.sparse.mm(adjacency, dropout(hidden, 0.5) @ second)
        loss = cross_entropy(outputs[train], targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    for _ in range(WARM_UP):
        epoch()
    started = time.perf_counter()
    for _ in range(args.epochs):
        loss = epoch()
    seconds = time.perf_counter() - started
    result = {
        "peer": f"pytorch {torch.__version__.split('+')[0]}",
        "examples_per_second": args.epochs / seconds,
        "final_loss": loss.item(),
        "parameters": first.numel() + second.numel(),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
