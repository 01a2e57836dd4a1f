"""Training steps of a mesh autoencoder with the priors of LIMP as a bare PyTorch loop, a peer of the benchmark.

    python meshes_torch.py FILE.npz

A stand-alone program for the environment of requirements.txt. FILE is what ``experiments.bench.structures`` wrote:
parameters, batches of meshes with their geodesics, and the first loss, which must come out here too. Dense layers
336-256-128-8 and back; straight distances and geodesics by the heat method of decoded meshes that are between others;
Adam at 0.001. (Linear systems by LU: the gradient by Cholesky's factor took a third more time.) The last line of stdout
is JSON: pairs of meshes/s (after a first chunk), how far the first loss is from FILE's in parts of it, megabytes above
those after FILE is read, threads (OMP_NUM_THREADS sets them).
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

CHUNKS, BETA, STYLE, LEAST = 3, 1e-3, 5, 1e-12
INTERPOLATION_EUCLIDEAN, INTERPOLATION_GEODESIC, INTRINSIC, EXTRINSIC = 1.0, 4.0, 4.0, 10.0


class Geodesics:
    """The heat method on many meshes with the same faces."""

    def __init__(self, faces: Tensor, sources: Tensor, vertices: int):
        self.faces, self.sources, self.count = faces, sources, vertices
        self.ends, self.starts = faces[:, [2, 0, 1]], faces[:, [1, 2, 0]]
        self.entries = (faces[:, :, None] * vertices + faces[:, None]).flatten()
        self.corners = faces.flatten()
        self.impulses = torch.eye(vertices)[:, sources]

    def __call__(self, meshes: Tensor) -> Tensor:
        """[meshes, sources, vertices] of [meshes, vertices, 3]."""
        many, columns = len(meshes), len(self.sources)
        sides = meshes[:, self.ends] - meshes[:, self.starts]
        normals = torch.linalg.cross(sides[:, :, 0], sides[:, :, 1])
        double = ((normals**2).sum(dim=-1) + LEAST).sqrt()
        local = sides @ sides.mT / (2 * double[..., None, None])
        stiffness = torch.zeros(many, self.count**2).index_add(1, self.entries, local.flatten(1))
        stiffness = stiffness.view(many, self.count, self.count)
        areas = torch.zeros(many, self.count).index_add(1, self.corners, (double / 6).repeat_interleave(3, dim=1))
        time_step = (sides**2).sum(dim=-1).mean(dim=(1, 2))
        implicit = torch.diag_embed(areas) + time_step[:, None, None] * stiffness
        heat = torch.linalg.solve(implicit, self.impulses.expand(many, -1, -1))[:, self.faces]
        relative = heat / heat.amax(dim=2, keepdim=True).clamp(min=torch.finfo(heat.dtype).tiny)
        turned = relative.mT @ sides
        length = (turned**2).sum(dim=-1, keepdim=True)
        direction = turned / torch.where(length > 0, length, 1.0).sqrt()
        flux = sides @ direction.mT / 2
        divergence = torch.zeros(many, self.count, columns).index_add(1, self.corners, flux.flatten(1, 2))
        constants = stiffness.diagonal(dim1=1, dim2=2).mean(dim=1) / self.count
        potential = -torch.linalg.solve(stiffness + constants[:, None, None], divergence).mT
        return potential - potential[:, torch.arange(columns), self.sources][..., None]


def straight(meshes: Tensor) -> Tensor:
    """Distances of all pairs of vertices."""
    return torch.cdist(meshes, meshes, compute_mode="donot_use_mm_for_euclid_dist")


def error(distances: Tensor, wanted: Tensor) -> Tensor:
    """In parts of the mean square of what is wanted, of each table."""
    return ((distances - wanted) ** 2).mean(dim=(1, 2)) / (wanted**2).mean(dim=(1, 2))


class Loss:
    """Of a batch, given the noise of its latents and the places between shapes."""

    def __init__(self, params: dict[str, Tensor], constants: dict[str, Tensor]):
        self.params, self.mean, self.scale = params, constants["mean"], constants["scale"]
        self.geodesics = Geodesics(constants["faces"].long(), constants["landmarks"].long(), len(self.mean))

    def dense(self, name: str, values: Tensor) -> Tensor:
        """An affine map."""
        return functional.linear(values, self.params[f"{name}/kernel"], self.params[f"{name}/bias"])

    def hidden(self, name: str, values: Tensor) -> Tensor:
        """Two layers of SiLU units."""
        return functional.silu(self.dense(f"{name}/Dense_1", functional.silu(self.dense(f"{name}/Dense_0", values))))

    def decode(self, latents: Tensor) -> Tensor:
        """Deviations from the mean shape."""
        return self.dense("last", self.hidden("decoder", latents)).unflatten(-1, self.mean.shape)

    def __call__(self, batch: dict[str, Tensor], noise: Tensor, places: Tensor) -> Tensor:
        """The batch's mean."""
        meshes = torch.stack([batch[role] for role in ("vertices", "posed", "other")], dim=1)
        seen = (meshes - self.mean) / self.scale
        mean, log_variance = self.dense("head/Dense_0", self.hidden("encoder", seen.flatten(2))).chunk(2, dim=-1)
        latents = mean + (0.5 * log_variance).exp() * noise
        loss = ((self.decode(latents) - seen) ** 2).mean()
        loss = loss + BETA * 0.5 * (log_variance.expm1() - log_variance + mean**2).sum(dim=-1).mean()
        first, posed, other = latents.unbind(dim=1)
        of_all, of_style = first + places[:, None] * (other - first), first + places[:, None] * (posed - first)
        ways = (
            of_all,
            torch.cat([first[:, :STYLE], of_all[:, STYLE:]], dim=1),
            torch.cat([of_style[:, :STYLE], posed[:, STYLE:]], dim=1),
        )
        moved = self.mean + self.scale * self.decode(torch.stack(ways))
        of_first, of_posed, of_other = (straight(each) for each in meshes.unbind(dim=1))
        place = places[:, None, None]
        between = of_first + place * (of_other - of_first)
        known, last = batch["geodesics"].unbind(dim=1)
        along = self.geodesics(moved[:2].flatten(0, 1)).unflatten(0, (2, -1))
        penalty = INTERPOLATION_EUCLIDEAN * error(straight(moved[0]), between)
        penalty = penalty + EXTRINSIC * error(straight(moved[2]), of_posed)
        penalty = penalty + INTERPOLATION_GEODESIC * error(along[0], known + place * (last - known))
        return loss + (penalty + INTRINSIC * error(along[1], known)).mean()


def main() -> None:
    """Compares the first loss, and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    given = {name: torch.from_numpy(array) for name, array in np.load(parser.parse_args().file).items()}
    params, batches, constants = (
        {name.removeprefix(f"{part}/"): array for name, array in given.items() if name.startswith(f"{part}/")}
        for part in ("params", "batches", "constants")
    )
    params = {name: (array.T.contiguous() if array.ndim == 2 else array) for name, array in params.items()}
    params = {name: array.requires_grad_() for name, array in params.items()}
    steps, batch = batches["vertices"].shape[:2]
    loss_of = Loss(params, constants)
    first = {name: array[0] for name, array in batches.items()}
    apart = abs(loss_of(first, given["noise"], given["places"]).item() / given["loss"].item() - 1)
    if not apart < 1e-4:
        raise SystemExit(f"the first loss is {apart:.1e} of it from the other program's")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    optimizer = torch.optim.Adam(params.values(), lr=1e-3, fused=True)
    for chunk in range(1 + CHUNKS):
        if chunk == 1:
            started = time.perf_counter()
        for step in range(steps):
            draws = torch.randn_like(given["noise"]), torch.rand(batch)
            loss = loss_of({name: array[step] for name, array in batches.items()}, *draws)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    per_second = CHUNKS * steps * batch / (time.perf_counter() - started)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    printed = {"examples_per_second": per_second, "apart": apart, "megabytes": grown}
    print(json.dumps(printed | {"threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
