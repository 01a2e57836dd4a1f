"""The benchmarks of ``lectern bench``: which programs do the same work.

Nothing here imports JAX: a process begins with the peak memory of the one that starts it.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from experiments.bench.shapes import LAYERS, PRODUCTS

HERE = Path(__file__).parent
PEERS = Path(os.environ.get("PEERS", HERE.parents[1] / ".venv-peers")) / "bin" / "python"
TORCHVISION = Path(os.environ.get("PARITY", HERE.parents[1] / ".venv-parity")) / "bin" / "python"
"""Where ``make parity`` installs torchvision."""
RULES = ("few terms", "few features", "columns", "added row", "blocks", "shifts", "pairs", "tiles")
EXAMPLES, BATCH, EPOCHS = 5000, 128, 100  # the peers' epochs; about the steps of programs.py


class Contender(NamedTuple):
    """A program; it prints a JSON line with ``examples_per_second`` last, or is timed as a whole.

    ``megabytes`` in that line are its memory above that after imports; else the whole process's is taken.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}


class Benchmark(NamedTuple):
    """Contenders for the same work; the first is the one that the others are compared to."""

    title: str
    unit: str
    contenders: tuple[Contender, ...]


def labels_of(data: Path) -> Path:
    """Where the labels of the images in ``data`` are."""
    return data.with_name("labels.npy")


def graph_of(data: Path) -> Path:
    """Where the graph is."""
    return data.with_name("graph.npz")


def _ours(program: str, data: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "experiments.bench.programs", program, str(data))


def _peer(program: str, data: Path, *options: str, batch: int = BATCH) -> tuple[str, ...]:
    sizes = ("--examples", str(EXAMPLES), "--batch", str(batch), "--epochs", str(EPOCHS))
    return (str(PEERS), str(HERE / "peers" / program), *sizes, "--data", str(data), *options)


def benchmarks(data: Path, scratch: Path) -> dict[str, Benchmark]:
    """All benchmarks by name; peers are among the contenders where their environment is installed (``make bench``)."""
    installed = PEERS.exists()

    def against(program: str, *peers: Contender) -> tuple[Contender, ...]:
        return (Contender("lectern", _ours(program, data)), *(peers if installed else ()))

    def pythae(model: str) -> Contender:
        return Contender("Pythae", _peer("vae_pythae.py", data, "--model", model))

    def layouts(program: str, work: str, title: str) -> Benchmark:
        ours = Contender("lectern", (sys.executable, "-m", f"experiments.bench.{program}", work))
        program = (str(PEERS), str(HERE / "peers" / f"{program}_torch.py"), work, "--layout")
        peers = (
            Contender("PyTorch, channels last", (*program, "channels_last")),
            Contender("PyTorch, channels first", (*program, "contiguous_format")),
        )
        return Benchmark(title, "examples/s", (ours, *(peers if installed else ())))

    def convolution(net: str, title: str) -> Benchmark:
        return layouts("convolution", net, title)

    def suppression() -> Benchmark:
        ours = Contender("lectern", (sys.executable, "-m", "experiments.bench.vision", "suppression"))
        by_numpy = Contender("a loop in NumPy", (sys.executable, str(HERE / "peers" / "suppression_numpy.py")))
        theirs = (str(TORCHVISION), str(HERE / "peers" / "torchvision_boxes.py"), "--rate")
        peers = [Contender("torchvision", theirs)] if TORCHVISION.exists() else []
        title = "non-maximum suppression of 1,000 boxes, of which the best 100 that stay are told"
        return Benchmark(title, "calls/s", (ours, by_numpy, *peers))

    def detectors(title: str, works: Mapping[str, str]) -> Benchmark:
        program = (sys.executable, "-m", "experiments.bench.detectors")
        return Benchmark(title, "pictures/s", tuple(Contender(name, (*program, work)) for name, work in works.items()))

    def lstm() -> Benchmark:
        ours = (sys.executable, "-m", "experiments.bench.lstm")
        by_autodiff = Contender("lectern, by autodiff", (*ours, "lstm-by-autodiff"))
        peers = (Contender("PyTorch", (str(PEERS), str(HERE / "peers" / "lstm_torch.py"))),)
        contenders = (Contender("lectern", (*ours, "lstm")), by_autodiff, *(peers if installed else ()))
        return Benchmark("LSTM 32 → 128 over 100 places, batch 64", "examples/s", contenders)

    def gpt(title: str, unit: str, programs: dict[str, str]) -> Benchmark:
        ours = (sys.executable, "-m", "experiments.bench.gpt")
        peer = (str(PEERS), str(HERE / "peers" / "gpt_torch.py"))
        makers = (("lectern", ours), *((("PyTorch", peer),) if installed else ()))
        contenders = (
            Contender(f"{maker}{how}", (*command, program))
            for how, program in programs.items()
            for maker, command in makers
        )
        return Benchmark(title, unit, tuple(contenders))

    def rules(net: str, title: str) -> Benchmark:
        ours = (sys.executable, "-m", "experiments.bench.convolution", net)
        lesser = (Contender(f"without {rule}", (*ours, "--without", rule)) for rule in RULES)
        return Benchmark(f"{title}: what each rule gains", "examples/s", (Contender("lectern", ours), *lesser))

    def layer(name: str) -> Benchmark:
        ours = (sys.executable, "-m", "experiments.bench.layers", name)
        options = [word for field in LAYERS[name]._fields for word in (f"--{field}", str(getattr(LAYERS[name], field)))]
        peer = Contender("PyTorch, channels last", (str(PEERS), str(HERE / "peers" / "layers_torch.py"), *options))
        by_xla = Contender("XLA's own", (*ours, "--without", "any rule"))
        contenders = (Contender("lectern", ours), by_xla, *([peer] if installed else ()))
        return Benchmark(LAYERS[name].title, "examples/s", contenders)

    def products(name: str) -> Benchmark:
        work = PRODUCTS[name]
        ours = Contender("XLA, as lectern's", (sys.executable, "-m", "experiments.bench.products", name))
        listed = (":".join(map(str, product)) for product in work.products)
        program = (str(PEERS), str(HERE / "peers" / "products_torch.py"), "--examples", str(work.examples), *listed)
        return Benchmark(work.title, work.unit, (ours, *((Contender("PyTorch", program),) if installed else ())))

    def gcn(layout: str) -> Contender:
        program = str(PEERS), str(HERE / "peers" / "gcn_torch.py"), "--layout", layout, "--data", str(graph_of(data))
        return Contender(f"PyTorch, adjacency {layout.upper()}", program)

    def generative(program: str, work: str, title: str) -> Benchmark:
        ours = Contender("lectern", (sys.executable, "-m", f"experiments.bench.{program}", work))
        peer = Contender("PyTorch", (str(PEERS), str(HERE / "peers" / f"{program}_torch.py"), work))
        return Benchmark(title, "examples/s", (ours, *([peer] if installed else ())))

    def shapes(work: str, program: str, title: str) -> Benchmark:
        """The peers begin with what ours, which is the first of a round, wrote into FILE."""
        file = str(scratch / f"{work}.npz")
        ours = Contender("lectern", (sys.executable, "-m", "experiments.bench.structures", work, file))
        peer = (str(PEERS), str(HERE / "peers" / program), file)
        # where other work shares the cores, two threads that wait for each other hardly advance
        peers = (Contender("PyTorch", peer), Contender("PyTorch, one thread", peer, {"OMP_NUM_THREADS": "1"}))
        return Benchmark(title, "examples/s", (ours, *(peers if installed else ())))

    our_gcn = Contender("lectern", (sys.executable, "-m", "experiments.bench.graphs", str(graph_of(data))))
    lectern = (sys.executable, "-m", "experiments.cli")
    smoke = (*lectern, "run", "vae", "--preset", "smoke", "--workdir")
    warm, cold = scratch / "warm-cache", scratch / "cold-cache"
    return {
        "vae": Benchmark(
            "MLP VAE 784-512-16, batch 128: whole runs",
            "examples/s",
            against("engine", Contender("PyTorch loop", _peer("vae_torch.py", data)), pythae("vae")),
        ),
        "iwae": Benchmark(
            "the same trained on the importance-weighted bound of 5 samples: whole runs",
            "examples/s",
            against("iwae", pythae("iwae")),
        ),
        "likelihood": Benchmark(
            "log-likelihoods of that VAE, estimated by 50 samples each, 250 images at a time",
            "examples/s",
            against("likelihood", Contender("PyTorch", _peer("likelihood_torch.py", data, batch=250))),
        ),
        "vqvae": Benchmark(
            "MLP VQ-VAE 784-512-16, one of 512 codes an image, batch 128: whole runs",
            "examples/s",
            against("vqvae", pythae("vqvae")),
        ),
        "mlp": Benchmark(
            "MLP 784-500-10, SGD in batches of 20: whole runs",
            "examples/s",
            against(
                "classifier",
                Contender("PyTorch loop", _peer("mlp_torch.py", data, "--labels", str(labels_of(data)), batch=20)),
            ),
        ),
        "loop": Benchmark(
            "the engine against a hand-written scan of the same steps",
            "examples/s",
            (Contender("lectern", _ours("engine", data)), Contender("bare lax.scan", _ours("scan", data))),
        ),
        "stream": Benchmark(
            "the engine fed from the device against fed through Grain, the same examples",
            "examples/s",
            (Contender("resident", _ours("engine", data)), Contender("streamed", _ours("stream", data))),
        ),
        "conv": Benchmark(
            "convolutional VAE 32-64-16, batch 128: step inside a scan against step by step",
            "examples/s",
            (Contender("scanned", _ours("conv-scanned", data)), Contender("stepwise", _ours("conv-stepwise", data))),
        ),
        "three-layers": convolution("three-layers", "convolutions 1-32-64-64 on 28×28, two max pools, batch 128"),
        "resnet20": convolution("resnet20", "ResNet-20 on 32×32, batch 128"),
        "lenet": convolution("lenet", "LeNet of 20 and 50 features on 28×28, batch 500"),
        "lstm": lstm(),
        "gpt": gpt("GPT of 4 blocks of width 128, context 64, batch 12", "windows/s", {"": "train"}),
        "gpt-sample": gpt(
            "the same GPT draws 8 texts of 300 characters",
            "characters/s",
            {"": "sample", ", nothing remembered": "sample-anew"},
        ),
        "rules-three-layers": rules("three-layers", "convolutions 1-32-64-64 on 28×28"),
        "rules-resnet20": rules("resnet20", "ResNet-20 on 32×32"),
        **{f"layer-{name}": layer(name) for name in LAYERS},
        **{f"products-{name}": products(name) for name in PRODUCTS},
        "graphs": Benchmark(
            "GCN of 16 units on a graph of Cora's size: 200 epochs",
            "epochs/s",
            (our_gcn, *((gcn("coo"), gcn("csr")) if installed else ())),
        ),
        "real-nvp": generative(
            "generative", "real-nvp", "RealNVP of 8 couplings of the plane, nets 2-64-64-4, batch 256"
        ),
        "diffusion-training": generative("diffusion", "unet", "U-Net of 16 and 32 channels on 8×8, batch 64"),
        "diffusion-sampling": generative("diffusion", "ddim", "64 images of 8×8 by that U-Net in 50 steps of DDIM"),
        "unet": layouts("vision", "unet", "U-Net of 16, 32 and 48 features on 64×64, batch 16"),
        "yolo": layouts("vision", "yolo", "the slim YOLOv3 on 128×128, 8 images at a time, inference"),
        "deep-dream": layouts("vision", "deep-dream", "steps of a deep dream in a picture of 192×288"),
        "suppression": suppression(),
        "pyramids": detectors(
            "objects of all sizes on 64×64: pictures that each form looks through",
            {form.replace("-", " "): form for form in ("single-map", "hierarchy", "feature-pyramid", "image-pyramid")},
        ),
        "proposals": detectors(
            "selective search and a classifier of regions, beside a single shot",
            {"single shot": "single-shot", "regions": "regions"},
        ),
        "molecules": shapes(
            "molecules",
            "molecules_torch.py",
            "autoencoder of molecules of 5 atoms, width 48, 3 graph convolutions either way, batch 64",
        ),
        "limp": shapes(
            "limp",
            "meshes_torch.py",
            "autoencoder of meshes of 112 vertices with LIMP's priors, geodesics from 8 landmarks, batch 16",
        ),
        "start": Benchmark(
            "from the command to the end of 20 steps, with figures",
            "s",
            (
                Contender("cache warm", (*smoke, str(scratch / "{run}")), {"JAX_COMPILATION_CACHE_DIR": str(warm)}),
                Contender(
                    "cache empty", (*smoke, str(scratch / "{run}")), {"JAX_COMPILATION_CACHE_DIR": str(cold) + "{run}"}
                ),
                Contender("--help", (*lectern, "--help")),
                Contender("list", (*lectern, "list")),
            ),
        ),
    }


GROUPS = {
    "autoencoders": ("vae", "iwae", "vqvae"),
    "convolution": ("three-layers", "resnet20", "lenet"),
    "rules": ("rules-three-layers", "rules-resnet20"),
    "layers": tuple(f"layer-{name}" for name in LAYERS),
    "products": tuple(f"products-{name}" for name in PRODUCTS),
    "generative": ("real-nvp", "diffusion-training", "diffusion-sampling"),
    "vision": ("unet", "yolo", "deep-dream", "suppression"),
    "detectors": ("pyramids", "proposals"),
    "shapes": ("molecules", "limp"),
    "sequences": ("lstm", "gpt", "gpt-sample"),
}
"""Benchmarks that a name of their own stands for."""
WHEN_ASKED = (*GROUPS["rules"], *GROUPS["layers"], *GROUPS["products"])
"""Benchmarks for those who work on speed: half an hour that `make bench` does not take."""
