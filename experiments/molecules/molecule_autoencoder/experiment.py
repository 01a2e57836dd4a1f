"""Molecule autoencoder: a graph is encoded, decoded to a bag of atoms, and to the bonds of these atoms all at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.molecules.load import PROPERTIES, written
from experiments.datasets.settings import MoleculeData
from experiments.evaluations.molecules import UNITS, Climb, climb, percent, reconstruction, worth
from experiments.molecules.molecule_autoencoder.card import CARD
from experiments.molecules.molecule_autoencoder.figures import before_and_after, climbers, drawn_molecules
from experiments.networks.molecules import AT_A_TIME, MoleculeNetwork, ascended, decode_all, decoder, likely_bonds
from experiments.networks.training import without_noise
from experiments.objectives.molecules import molecule_loss
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from models.molecule_net import MoleculeVAE
from train.evaluation import WholeSet, whole_set_key
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.task import LossFn, Params, Task, supervised

RECONSTRUCTED = 1000
"""Test molecules, at most, that are encoded and decoded."""


@dataclass(frozen=True, kw_only=True)
class MoleculeAutoencoderSettings(Settings):
    """A variational autoencoder of molecules."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=64, evaluate_every=250)
    molecules: Flat[MoleculeData] = MoleculeData()
    architecture: Flat[MoleculeNetwork] = MoleculeNetwork()
    optimization: Flat[Optimization] = Optimization(
        learning_rate=1e-2, schedule="cosine", warmup_steps=100, clip_norm=1.0
    )
    beta: NotNegative = 0.02
    """weight of the KL term"""
    property_weight: NotNegative = 1.0
    """weight of the error of the properties that are read from a latent"""
    beam: Count = 20
    """first bonds from each of which a molecule grows; the most probable one is kept"""
    samples: Annotated[int, Ge(2), OfEvaluation] = 1000
    """drawn molecules that are judged"""
    climbers: Annotated[int, Ge(1), OfEvaluation] = 100
    """test molecules whose properties are raised"""
    ascent_steps: Annotated[int, Ge(1), OfEvaluation] = 50
    """steps along the gradient of a property"""
    ascent_rate: Annotated[float, Gt(0), OfEvaluation] = 0.3
    """length of a step in units of the gradient"""


def network(settings: MoleculeAutoencoderSettings, dataset: Dataset) -> MoleculeVAE:
    """Molecules to latents and back."""
    return settings.architecture.build(dataset)


def monitor(settings: MoleculeAutoencoderSettings, dataset: Dataset) -> LossFn:
    """The loss of held-out molecules."""
    values = dataset.splits["train"]["property"]
    scale = jnp.asarray(values.mean(axis=0)), jnp.asarray(values.std(axis=0) + 1e-6)
    return molecule_loss(
        without_noise(network(settings, dataset).apply),
        kinds=len(dataset.symbols),
        beta=settings.beta,
        property_weight=settings.property_weight,
        scale=scale,
    )


def task(settings: MoleculeAutoencoderSettings, dataset: Dataset) -> Task:
    """Descent on the loss."""
    model, example = network(settings, dataset), jax.device_put(dataset.example())
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(
        monitor(settings, dataset), lambda key: model.init(key, example["atoms"], example["bonds"]), optimizer
    )


def made(settings: MoleculeAutoencoderSettings, dataset: Dataset, params: Params, test: dict, key: Array) -> dict:
    """Atoms and bonds: drawn from the prior, of test molecules that were encoded, and of the first of them once their
    properties were raised.
    """
    model = network(settings, dataset)
    of_prior, of_search = jax.random.split(key)
    means = model.apply(params, test["atoms"], test["bonds"], method="encode").mean
    rise = partial(ascended, model, params, steps=settings.ascent_steps, rate=settings.ascent_rate)
    all_of_them = jax.vmap(jax.vmap(rise, in_axes=(0, None)), in_axes=(None, 0))
    risen = all_of_them(means[: settings.climbers], jnp.arange(len(PROPERTIES)))
    latents = {
        "drawn": drawn_latents(settings, model, of_prior),
        "test": means,
        **dict(zip(PROPERTIES, risen, strict=True)),
    }
    together = jnp.concatenate(list(latents.values()))
    decoded = decode_all(decoder(dataset, model, settings.beam), params, together, of_search)
    ends = np.cumsum([len(each) for each in latents.values()])[:-1]
    parts = zip(*(jnp.split(each, ends) for each in decoded), strict=True)
    return dict(zip(latents, parts, strict=True))


def without_search(settings: MoleculeAutoencoderSettings, dataset: Dataset, params: Params, key: Array) -> tuple:
    """Atoms and bonds of the latents from the prior that ``made`` decodes: each bond by itself."""
    model = network(settings, dataset)
    drawn = drawn_latents(settings, model, jax.random.split(key)[0])
    return jax.lax.map(partial(likely_bonds, model, params), drawn, batch_size=AT_A_TIME)


def drawn_latents(settings: MoleculeAutoencoderSettings, model: MoleculeVAE, key: Array) -> Float[Array, "molecules d"]:
    """Those of the judged molecules."""
    return jax.random.normal(key, (settings.samples, model.latent))


def climbs(settings: MoleculeAutoencoderSettings, smiles: dict[str, list[str]]) -> dict[str, Climb]:
    """Of each property: what became of the first decoded test molecules."""
    return {name: climb(name, smiles["test"][: len(smiles[name])], smiles[name]) for name in PROPERTIES}


def evaluate_whole(settings: MoleculeAutoencoderSettings, dataset: Dataset) -> WholeSet:
    """Drawn molecules, those that came back, and properties that were raised, judged by RDKit on the host."""
    test = dataset.head("test", RECONSTRUCTED)
    write = partial(written, dataset.symbols)

    def measure(params, test, key):
        molecules = made(settings, dataset, params, test, key)
        return molecules | {"without_search": without_search(settings, dataset, params, key)}

    def conclude(molecules: dict) -> dict[str, np.ndarray]:
        smiles = {name: write(*each) for name, each in molecules.items()}
        trained_on = frozenset(write(*(dataset.whole("train")[name] for name in ("atoms", "bonds"))))
        drawn, after = worth(smiles["drawn"], trained_on), [text for name in PROPERTIES for text in smiles[name]]
        measured = drawn._asdict() | {
            "validity_without_search": worth(smiles["without_search"], trained_on).validity,
            "reconstruction": reconstruction(write(test["atoms"], test["bonds"]), smiles["test"]),
            "ascended": percent(sum(map(bool, after)), len(after)),
        }
        measured |= {f"{name}_gain": each.gain for name, each in climbs(settings, smiles).items()}
        return {name: np.float64(value) for name, value in measured.items()}

    return WholeSet({name: test[name] for name in ("atoms", "bonds")}, measure, conclude)


def figures(settings: MoleculeAutoencoderSettings, dataset: Dataset, params: Params) -> dict:
    """Drawn molecules, and properties before and after the ascent: those that were measured."""
    key = whole_set_key(jax.random.key(settings.seeds.seed))
    test = dataset.head("test", RECONSTRUCTED)
    molecules = jax.jit(partial(made, settings, dataset))(params, test, key)
    smiles = {name: written(dataset.symbols, *map(np.asarray, each)) for name, each in molecules.items()}
    risen = climbs(settings, smiles)
    return {
        "samples": drawn_molecules([text for text in smiles["drawn"] if text]),
        "ascent": before_and_after(risen),
        "climbers": climbers(risen),
    }


def draw(settings: MoleculeAutoencoderSettings, dataset: Dataset, options: SampleOptions, params: Params) -> Callable:
    """A molecule of a latent from the prior."""
    model = network(settings, dataset)
    decode = decoder(dataset, model, settings.beam)

    def from_prior(key: Key[Array, ""]) -> Example:
        latent_key, search_key = jax.random.split(key)
        latent: Float[Array, " latent"] = jax.random.normal(latent_key, (model.latent,))
        atoms, bonds = decode(params, latent, search_key)
        return {"atoms": atoms, "bonds": bonds, "latent": latent}

    return from_prior


EXPERIMENT = Experiment(
    card=CARD,
    settings=MoleculeAutoencoderSettings,
    data=lambda settings: settings.molecules.load(),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "", "bag": "nats", "bonds": "nats", "kl": "nats", "wrong": "%"} | UNITS,
    network=network,
    sampler=Sampler(draw=draw),
)
