"""A run folder from Python: its settings, data, network and parameters, its metrics, and what it can do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from jaxtyping import Array

from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.evaluations.codec import Codec
from experiments.networks.digit_classifier.classifier import Classifier
from experiments.run import run_folder
from experiments.run.given_shapes import check_batch, check_intensities, check_picture, checked_codec
from experiments.run.registry import entries, load
from experiments.run.reopening import reopen, restored_params
from experiments.run.run import Run, prepare
from experiments.run.sampling import SampleOptions, Sampler, draw_samples
from experiments.run.settings import configure
from losses.metrics.detection import Detections
from train.checkpoint import CheckpointError
from train.manifest import tree_sha256
from train.metrics import read_rows
from train.trainable import Params


class CannotError(WrongInput):
    """The experiment has no such part; the message says which ones have."""


@dataclass(frozen=True)
class SavedRun:
    """A run folder; nothing in it is written. What is asked for is read when it is asked for.

    ``WrongInput`` says in one line where the folder holds no run, or the data or the checkpoint are not there.
    """

    workdir: Path
    """the run folder"""
    data_dir: Path | None = field(default=None, kw_only=True)
    """where the data set's files are now, if they were moved"""

    @cached_property
    def run(self) -> Run:
        """The experiment with settings and data, on one device."""
        config, settings = reopen(self.workdir)
        moved = {} if self.data_dir is None else {"data_dir": self.data_dir}
        try:
            settings = configure(settings, moved, devices=1, shard="batch")
        except ValueError as error:
            reads_none = f"{self.workdir} is a run of {config.experiment}, which reads no --data-dir"
            raise WrongInput(f"{reads_none}: leave it out") from error
        return prepare(config.experiment, config.preset, settings, config.origin)

    @property
    def settings(self) -> Any:
        """What it was trained with."""
        return self.run.settings

    @property
    def dataset(self) -> Dataset:
        """What it was trained on."""
        return self.run.dataset

    @property
    def summary(self) -> dict | None:
        """The content of ``summary.json``; None where the run is not finished."""
        return run_folder.read_summary(self.workdir)

    @property
    def network(self) -> nn.Module:
        """The network whose parameters were trained; ``CannotError`` where there is not exactly one."""
        return part_of(self.run, "network", "one network")(self.settings, self.dataset)

    def rows(self) -> Iterator[dict]:
        """The rows of ``metrics.jsonl``: step, split, and a value (of several seeds a list of values) per metric."""
        return read_rows(self.workdir)

    def params(self, *, seed: int | None = None, step: int | None = None) -> Params:
        """What a seed (by default the first) is evaluated with at a saved step (by default the newest)."""
        return self.at(seed=seed, step=step)[1]

    def at(self, *, seed: int | None = None, step: int | None = None) -> tuple[int, Params]:
        """The step of the checkpoint, and ``params``."""
        place = self._place(seed)
        saved_step, params = self.of_all_seeds(step)
        return saved_step, jax.tree.map(lambda leaf: leaf[place], params)

    def of_all_seeds(self, step: int | None = None) -> tuple[int, Params]:
        """The step of the checkpoint, and what all seeds are evaluated with, along a leading axis."""
        try:
            saved = restored_params(self.run, self.workdir, step)
        except CheckpointError as error:
            raise WrongInput(str(error)) from error
        return saved.step, saved.params

    def codec(self, *, seed: int | None = None, step: int | None = None) -> Codec:
        """Encoder and decoder with these parameters, as functions of batches of images and of codes.

        They raise ``WrongInput`` for images of another shape than the data's, and for codes of another than theirs.
        """
        part = part_of(self.run, "codec", "encoder and decoder")
        codec = part(self.settings, self.dataset, self.params(seed=seed, step=step))
        return checked_codec(codec, self.dataset.image_shape)

    def classifier(self, *, seed: int | None = None, step: int | None = None) -> Classifier:
        """The trained classifier, as a pure function and its parameters."""
        logits = part_of(self.run, "classifier", "classes to tell apart")(self.settings, self.dataset)
        network = self.network if self.run.experiment.network else None
        params = self.params(seed=seed, step=step)
        name = f"{self.run.name} of {self.dataset.name}, sha256:{tree_sha256(params)[:12]}"
        return Classifier(logits, params, self.dataset.image_shape, self.dataset.required_classes(), name, network)

    def classify(self, images: Array, *, seed: int | None = None, step: int | None = None) -> Array:
        """The logits [images, classes] of images [images, H, W, C] in [0, 1], of the shape of the data's.

        ``classifier().logits`` takes any values, and images of any size where the network does.
        """
        classifier = self.classifier(seed=seed, step=step)
        check_batch(images, "images", classifier.image_shape)
        check_intensities(images)
        return jax.jit(classifier.logits)(classifier.params, images)

    def detect(self, images: Array, *, seed: int | None = None, step: int | None = None) -> Detections:
        """The boxes that are found in images [images, H, W, C] in [0, 1], of the shape of the data's."""
        detector = part_of(self.run, "detector", "boxes to find")(self.settings, self.dataset)
        check_batch(images, "images", self.dataset.image_shape)
        check_intensities(images)
        return jax.device_get(jax.jit(detector)(self.params(seed=seed, step=step), images))

    def segment(
        self, pictures: Sequence[Array], *, seed: int | None = None, step: int | None = None
    ) -> list[np.ndarray]:
        """The class [H, W] of every pixel of pictures [H, W, C] in [0, 1], each of its own size."""
        segmenter = jax.jit(part_of(self.run, "segmenter", "classes of pixels")(self.settings, self.dataset))
        for picture in pictures:
            check_picture(picture, self.dataset.image_shape[-1])
            check_intensities(picture)
        params = self.params(seed=seed, step=step)
        return [jax.device_get(segmenter(params, picture)) for picture in pictures]

    def options(self, **options: Any) -> SampleOptions:
        """The options of its sampler; ``WrongInput`` where one is unknown or out of bounds."""
        try:
            return configure(self._sampler().options(), options)
        except ValueError as error:
            raise WrongInput(str(error)) from error

    def sample(
        self,
        count: int = 1,
        *,
        seed: int = 0,
        of_seed: int | None = None,
        step: int | None = None,
        **options: Any,
    ) -> dict[str, np.ndarray]:
        """``count`` new examples, drawn with ``seed`` from the parameters of ``of_seed``: the same at every call, and
        the first of many is the one of one.
        """
        return self.sampled(self.params(seed=of_seed, step=step), self.options(**options), count=count, seed=seed)

    def sampled(self, params: Params, options: SampleOptions, *, count: int, seed: int) -> dict[str, np.ndarray]:
        """The same, from given parameters and options; ``WrongInput`` for a count below 1."""
        sampler = self._sampler()
        if count < 1:
            raise WrongInput(f"--count must be at least 1, got {count}")

        def draw_of(prepared):
            return sampler.draw(self.settings, self.dataset, options, prepared)

        try:
            return draw_samples(draw_of, sampler.prepare(self.settings, self.dataset, params), seed=seed, count=count)
        except ValueError as error:
            raise WrongInput(str(error)) from error

    def _sampler(self) -> Sampler:
        if self.run.experiment.sampler is None:
            sampling = ", ".join(entry.name for entry in entries() if entry.card.samples)
            raise CannotError(f"{self.run.name} draws no new examples; these do: {sampling}")
        return self.run.experiment.sampler

    def _place(self, seed: int | None) -> int:
        """Which of the trained seeds is meant."""
        seeds = self.settings.seeds.all
        if seed is None:
            return 0
        if seed not in seeds:
            trained = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
            raise WrongInput(f"{self.workdir} has no seed {seed}: it was trained with {trained}")
        return seeds.index(seed)


def part_of(run: Run, name: str, what: str) -> Any:
    """A part of the experiment; ``CannotError`` names the experiments that have it."""
    part = getattr(run.experiment, name)
    if part is None:
        raise CannotError(f"{run.name} has no {what}; these have: {', '.join(having(name))}")
    return part


def having(*parts: str) -> list[str]:
    """The experiments that have one of these parts at least."""
    return [entry.name for entry in entries() if any(getattr(load(entry.name), part) is not None for part in parts)]
