"""Adversarial examples: what changes of an image fool a net, what helps, and which nets they are shared by."""

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Le
from flax import linen as nn

from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.codec import Codec
from experiments.evaluations.downstream import anomaly_auc, reconstruction_errors
from experiments.networks.autoencoder import AutoencoderNetwork
from experiments.networks.convolutional import PatternNetwork
from experiments.networks.training import without_noise
from experiments.objectives.classification import classification_loss
from experiments.objectives.observation import identity
from experiments.objectives.reconstruction import Penalties, reconstruction_loss
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from experiments.vision.adversarial.card import CARD
from experiments.vision.adversarial.figures import attacked_rows, detection, success_curves, transfer_table
from experiments.vision.adversarial.measures import MEASURES, Contest, over_draws
from experiments.vision.adversarial.nets import UNCLIPPED, Attack, adversarial_training, several
from losses.metrics.ranking import roc_auc
from models.mlp import MLPClassifier
from train.evaluation import MetricFn, WholeSet
from train.optimizers import NotNegative, Optimization, Positive, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Task

CLASSIFIERS = ("softmax", "conv", "robust")
KINDS = (*CLASSIFIERS, "autoencoder")
MEASURED, SHOWN = 2000, 12
"""Test images, at most, that are told from attacked ones, and that figures measure; and those that figures show."""


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings(Settings):
    """Attacks on classifiers."""

    loop: Flat[LoopSettings] = LoopSettings(steps=800, batch_size=64, chunk=100, evaluate_every=100)
    images: Flat[GreyImageData] = GreyImageData()
    architecture: Flat[PatternNetwork] = PatternNetwork(
        pattern="CONV 8 → RELU → POOL → CONV 16 → RELU → FC 32 → RELU → FC"
    )
    autoencoder: AutoencoderNetwork = AutoencoderNetwork(widths=(64,), latent=12)
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3)
    nets: tuple[Literal[*KINDS], ...] = KINDS
    """softmax regression, a convolutional net, the same trained on attacks, and what detects attacked images"""
    draws: Count = 3
    """nets of each kind, each with first weights of its own; those of softmax regression are zero"""
    radius: Positive = 0.1
    """how far each value of an image is moved at most, in training and where it is measured"""
    l2_radius: Annotated[Positive, OfEvaluation] = 0.5
    """how far the whole image is moved at most by attacks of bounded length"""
    attack_steps: Annotated[Count, OfEvaluation] = 10
    """steps of iterated attacks where they are measured"""
    training_attack_steps: Count = 3
    """steps of the attacks that the third kind of net is trained on, from a random point"""
    attacked_share: Annotated[NotNegative, Le(1)] = 0.5
    """share of its loss that attacked images have; the rest is that of the images as they are"""

    def __post_init__(self):
        super().__post_init__()
        if len(set(self.nets)) < len(self.nets):
            raise ValueError(f"--nets {' '.join(self.nets)}: give each once")
        if set(self.nets).isdisjoint(CLASSIFIERS):
            raise ValueError(f"--nets needs one of {', '.join(CLASSIFIERS)}: nothing else can be attacked")
        if self.architecture.normalizes:
            raise ValueError("--pattern with BN: nets here have no running statistics, leave it out")

    def idle(self) -> dict[str, str]:
        """What belongs to nets that are not there."""
        needs = {
            "robust": ("training_attack_steps", "attacked_share"),
            "autoencoder": tuple(f"autoencoder.{name}" for name in vars(self.autoencoder)),
        }
        absent = {
            name: f"without --nets {net}" for net, names in needs.items() if net not in self.nets for name in names
        }
        if not {"conv", "robust"} & set(self.nets):
            absent |= dict.fromkeys(("pattern", "initializer"), "without --nets conv")
        inside = {f"autoencoder.{name}": reason for name, reason in self.autoencoder.idle().items()}
        return super().idle() | inside | absent

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Those nets that are attacked."""
        return tuple(net for net in CLASSIFIERS if net in self.nets)

    def attacks(self, radius: float) -> dict[str, Attack]:
        """By name, as strong as the radius says where it is a bound on each value."""
        return {
            "fgsm": Attack(radius),
            "unclipped": Attack(radius, clip=UNCLIPPED),
            "iterated": Attack(radius, self.attack_steps),
            "l2": Attack(self.l2_radius, self.attack_steps, "l2"),
        }


def data(settings: AdversarialSettings) -> Dataset:
    """Images with labels, which the pattern fits."""
    dataset = settings.images.load()
    dataset.required_classes()
    settings.architecture.check(dataset)
    return dataset


def classifier(settings: AdversarialSettings, dataset: Dataset, kind: str) -> nn.Module:
    """The form of a kind of net."""
    if kind == "softmax":
        return MLPClassifier((), dataset.classes)
    return settings.architecture.classifier(dataset.classes, settings.loop.batch_size)


def net_loss(settings: AdversarialSettings, dataset: Dataset, kind: str) -> LossFn:
    """The loss of one net of a kind on images as they are."""
    if kind == "autoencoder":
        network, likelihood = settings.autoencoder.build(dataset)
        return reconstruction_loss(without_noise(network.apply), likelihood, identity, Penalties())
    return classification_loss(without_noise(classifier(settings, dataset, kind).apply), "cross_entropy")


def task(settings: AdversarialSettings, dataset: Dataset) -> Task:
    """All nets side by side."""
    example = jax.device_put(dataset.example()["image"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    attack = Attack(settings.radius, settings.training_attack_steps)

    def learner(kind: str) -> Learner:
        loss_fn = net_loss(settings, dataset, kind)
        if kind == "autoencoder":
            network = settings.autoencoder.build(dataset).network
        else:
            network = classifier(settings, dataset, kind)
        if kind == "robust":
            loss_fn = adversarial_training(network.apply, loss_fn, attack, settings.attacked_share)
        return several(Learner(loss_fn, lambda key: network.init(key, example), optimizer), settings.draws)

    return side_by_side({kind: learner(kind) for kind in settings.nets})


def monitor(settings: AdversarialSettings, dataset: Dataset) -> LossFn:
    """The mean loss of the classifiers, their errors, and the squared error of a reconstruction."""
    losses = {kind: net_loss(settings, dataset, kind) for kind in settings.nets}

    def loss_fn(params, batch, keys):
        found = {kind: over_draws(lambda net, of=of: of(net, batch, keys), params[kind]) for kind, of in losses.items()}
        metrics = {f"{kind}/error": found[kind][1]["error"] for kind in settings.classifiers}
        if "autoencoder" in found:
            metrics["autoencoder/squared_error"] = found["autoencoder"][1]["squared_error"]
        return jnp.mean(jnp.stack([found[kind][0] for kind in settings.classifiers]), axis=0), metrics

    return loss_fn


def contest(settings: AdversarialSettings, dataset: Dataset) -> Contest:
    """The classifiers, and the attacks that they meet."""
    nets = {kind: classifier(settings, dataset, kind) for kind in settings.classifiers}
    aimed = Attack(settings.radius, settings.attack_steps, targeted=True)
    return Contest(nets, settings.attacks(settings.radius), aimed, dataset.classes, settings.draws)


def evaluate(settings: AdversarialSettings, dataset: Dataset) -> MetricFn:
    """What attacks do to each kind of net, and to nets that they were not made for."""
    of = contest(settings, dataset)

    def metric_fn(params, batch, keys):
        images, labels = batch["image"], batch["label"]
        metrics = {
            f"{kind}/{name}": value
            for kind in settings.classifiers
            for name, value in over_draws(partial(of.measure, kind, images, labels), params[kind]).items()
        }
        pairs = of.transferred(params, images, labels)
        return metrics | {f"{maker}_to_{judge}/error": value for (maker, judge), value in pairs.items()}

    return metric_fn


def first_codec(settings: AdversarialSettings, dataset: Dataset, params: Params) -> Codec:
    """The first autoencoder."""
    return settings.autoencoder.build(dataset).codec(jax.tree.map(lambda leaf: leaf[0], params["autoencoder"]))


def evaluate_whole(settings: AdversarialSettings, dataset: Dataset) -> WholeSet:
    """How well the first autoencoder's reconstruction error tells attacked images from others."""

    def measure(params, data, key):
        if "autoencoder" not in settings.nets:
            return {}
        codec = first_codec(settings, dataset, params)
        attacked = contest(settings, dataset).on_the_first(params, data["image"], data["label"])
        return {f"detection/{name}": anomaly_auc(codec, data["image"], images) for name, images in attacked.items()}

    return WholeSet(dataset.head("test", MEASURED), measure)


def figures(settings: AdversarialSettings, dataset: Dataset, params: Params) -> dict:
    """Errors against the radius, attacked images, who shares them, and the scores by which they are detected."""
    shown, of = dataset.head("test", MEASURED), contest(settings, dataset)
    radii = np.linspace(0, 2 * settings.radius, 9, dtype=np.float32)

    @jax.jit
    def measured(params, images, labels):
        curves = {
            (kind, attack): jax.lax.map(
                lambda radius, kind=kind, attack=attack: of.errors(
                    kind, settings.attacks(radius)[attack], params, images, labels
                ),
                radii,
            )
            for kind in settings.classifiers
            for attack in ("fgsm", "iterated")
        }
        attacked, scores, areas = of.on_the_first(params, images, labels), {}, {}
        if "autoencoder" in settings.nets:
            codec = first_codec(settings, dataset, params)
            scores = {name: reconstruction_errors(codec, each) for name, each in ({"clean": images} | attacked).items()}
            areas = {name: roc_auc(scores["clean"], scores[name]) for name in attacked}
        pairs = {pair: each.mean() for pair, each in of.transferred(params, images, labels).items()}
        return curves, {name: each[:SHOWN] for name, each in attacked.items()}, pairs, (scores, areas)

    curves, attacked, pairs, scored = jax.device_get(measured(params, shown["image"], shown["label"]))
    drawn = {"success": success_curves(radii, curves), "attacked": attacked_rows(shown["image"][:SHOWN], attacked)}
    if pairs:
        drawn["transfer"] = transfer_table(pairs, settings.classifiers)
    return drawn | ({"detection": detection(*scored)} if scored[0] else {})


EXPERIMENT = Experiment(
    card=CARD,
    settings=AdversarialSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "autoencoder/squared_error": ""}
    | {f"{kind}/{name}": "%" for kind in CLASSIFIERS for name in MEASURES}
    | {f"{maker}_to_{judge}/error": "%" for maker, judge in product(CLASSIFIERS, repeat=2)}
    | {f"detection/{name}": "AUC" for name in ("fgsm", "iterated", "l2")},
)
