"""Training steps of the molecule autoencoder as a bare PyTorch loop, one of the peers of the benchmark.

    python molecules_torch.py FILE.npz

A stand-alone program for the environment of requirements.txt. FILE is what ``experiments.bench.structures`` wrote:
parameters, batches of molecules, and the first loss, which must come out here too. Three gated graph convolutions of
48 features either way over all pairs of atoms, a bag of atoms, the order of every bond, two properties; Adam at 0.001.
The last line of stdout is JSON: molecules/s (after a first chunk), how far the first loss is from FILE's in parts of
it, megabytes above those after FILE is read, threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

CHUNKS, LAYERS, BETA = 3, 3, 0.02


class Loss:
    """Of a batch, given the noise of its latents."""

    def __init__(self, params: dict[str, Tensor], mean: Tensor, deviation: Tensor):
        self.params, self.mean, self.deviation = params, mean, deviation

    def dense(self, name: str, values: Tensor) -> Tensor:
        """An affine map."""
        return functional.linear(values, self.params[f"{name}/kernel"], self.params[f"{name}/bias"])

    def two_layers(self, name: str, values: Tensor) -> Tensor:
        """Hidden units with a rectifier, and an affine map."""
        return self.dense(f"{name}/layers_1", self.dense(f"{name}/layers_0/Dense_0", values).relu())

    def norm(self, name: str, values: Tensor) -> Tensor:
        """Layer normalisation."""
        scale, bias = self.params[f"{name}/scale"], self.params[f"{name}/bias"]
        return functional.layer_norm(values, scale.shape, scale, bias, eps=1e-6)

    def identities(self, name: str, atoms: Tensor) -> Tensor:
        """Kind, and place among equals."""
        places = (atoms[:, :, None] == atoms[:, None]).tril(-1).sum(dim=2)
        kind, place = self.params[f"{name}/kind/embedding"], self.params[f"{name}/place/embedding"]
        return functional.embedding(atoms, kind) + functional.embedding(places, place)

    def convolution(self, name: str, nodes: Tensor, edges: Tensor, joined: Tensor) -> tuple[Tensor, Tensor]:
        """Messages through gates, and what edges hear of both ends."""
        own, sent, receiver, sender = self.dense(f"{name}/Dense_0", nodes).chunk(4, dim=-1)
        gates = edges.sigmoid() * joined
        heard = own + (gates * sent[:, None]).sum(dim=2) / (gates.sum(dim=2) + 1e-6)
        seen = self.dense(f"{name}/Dense_1", edges) + receiver[:, :, None] + sender[:, None]
        nodes = nodes + self.norm(f"{name}/LayerNorm_0", heard).relu()
        return nodes, edges + self.norm(f"{name}/LayerNorm_1", seen).relu()

    def encode(self, atoms: Tensor, bonds: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance."""
        nodes = self.identities("encoded_atoms", atoms)
        edges = functional.embedding(bonds, self.params["bond_embedding/embedding"])
        joined = (bonds > 0)[..., None].float()
        for layer in range(LAYERS):
            nodes, edges = self.convolution(f"encoder_{layer}", nodes, edges, joined)
        of_atoms = functional.glu(self.dense("gates_0", nodes)) * (atoms > 0)[..., None]
        of_bonds = functional.glu(self.dense("gates_1", edges)) * joined
        summed = torch.cat([of_atoms.sum(dim=1), of_bonds.sum(dim=(1, 2))], dim=1)
        mean, log_variance = self.dense("head/Dense_0", summed).chunk(2, dim=1)
        return mean, log_variance - 4

    def bonds(self, latent: Tensor, atoms: Tensor) -> Tensor:
        """Logits of the order of every bond."""
        identities, present = self.identities("decoded_atoms", atoms), atoms > 0
        joined = present[:, :, None] & present[:, None] & ~torch.eye(atoms.shape[1], dtype=torch.bool)
        joined = joined[..., None].float()
        key = self.dense("pair_key", identities)
        query = self.dense("pair_query", (key[:, :, None] + key[:, None]).relu())
        nodes = identities + self.dense("atom_query", identities) * self.dense("to_atoms", latent)[:, None]
        edges = query * self.dense("to_pairs", latent)[:, None, None]
        for layer in range(LAYERS):
            nodes, edges = self.convolution(f"decoder_{layer}", nodes, edges, joined)
        return self.two_layers("bond_net", edges + edges.transpose(1, 2))

    def __call__(self, batch: dict[str, Tensor], noise: Tensor) -> Tensor:
        """The batch's mean."""
        atoms, bonds = batch["atoms"], batch["bonds"]
        mean, log_variance = self.encode(atoms, bonds)
        latent = mean + (0.5 * log_variance).exp() * noise
        orders = self.bonds(latent, atoms)
        kinds = len(self.params["decoded_atoms/kind/embedding"]) - 1
        counts = (atoms[:, :, None] == torch.arange(1, kinds + 1)).sum(dim=1)
        bag = self.two_layers("bag_net", latent).view(-1, atoms.shape[1] + 1)
        present = atoms > 0
        pairs = (present[:, :, None] & present[:, None]).triu(1)
        of_bonds = functional.cross_entropy(orders.view(-1, orders.shape[-1]), bonds.flatten(), reduction="none")
        total = functional.cross_entropy(bag, counts.flatten(), reduction="sum") + (of_bonds * pairs.flatten()).sum()
        total = total + BETA * 0.5 * (log_variance.expm1() - log_variance + mean**2).sum()
        error = self.two_layers("property_net", latent) - (batch["property"] - self.mean) / self.deviation
        return (total + 0.5 * (error**2).sum()) / len(atoms)


def main() -> None:
    """Compares the first loss, and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    given = {name: torch.from_numpy(array) for name, array in np.load(parser.parse_args().file).items()}
    params, batches = (
        {name.removeprefix(f"{part}/"): array for name, array in given.items() if name.startswith(f"{part}/")}
        for part in ("params", "batches")
    )
    params = {name: array.T.contiguous() if name.endswith("kernel") else array for name, array in params.items()}
    params = {name: array.requires_grad_() for name, array in params.items()}
    batches |= {name: batches[name].long() for name in ("atoms", "bonds")}
    steps, batch = batches["atoms"].shape[:2]
    loss_of = Loss(params, given["constants/mean"], given["constants/deviation"])
    first = {name: array[0] for name, array in batches.items()}
    apart = abs(loss_of(first, given["noise"]).item() / given["loss"].item() - 1)
    if not apart < 1e-4:
        raise SystemExit(f"the first loss is {apart:.1e} of it from the other program's")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    optimizer = torch.optim.Adam(params.values(), lr=1e-3, fused=True)
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        for step in range(steps):
            loss = loss_of({name: array[step] for name, array in batches.items()}, torch.randn_like(given["noise"]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    per_second = CHUNKS * steps * batch / (time.perf_counter() - started)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    printed = {"examples_per_second": per_second, "apart": apart, "megabytes": grown}
    print(json.dumps(printed | {"threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
