"""The game between a generator and a discriminator by settings: losses, updates, and remedies against collapse."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from flax import linen as nn

from experiments.numerals import counted
from experiments.run.settings import Count
from models.gan import Judgement, Minibatch
from models.layers.transposed_conv import transposed_he_normal
from models.spectral import SpectrallyNormalized
from train.optimizers import Fraction, NotNegative


@dataclass(frozen=True, kw_only=True)
class Game:
    """How the two play, and what keeps the generator from collapsing."""

    loss: Literal["minimax", "non_saturating", "wasserstein", "hinge"] = "non_saturating"
    """what both minimise; wasserstein needs --gradient-penalty or --spectral"""
    updates: Count = 1
    """updates of the discriminator in a step, each on a share of the batch; the generator makes one, on as much"""
    gradient_penalty: NotNegative = 0.0
    """weight of (slope − 1)² of the discriminator between real and generated examples; 0 is off"""
    spectral: bool = False
    """whether the discriminator's kernels are divided by their largest singular values"""
    slope: Annotated[float, Gt(0)] = 1.0
    """greatest slope that --spectral leaves the discriminator: its logits are multiplied by it"""
    minibatch: Minibatch = "none"
    """what the discriminator sees of a whole group: its deviation, or how close an example is to the others"""
    packing: Count = 1
    """examples that the discriminator judges together"""
    latent: Count = 2
    """numbers that the generator starts from, standard normal"""
    initial_deviation: NotNegative = 0.0
    """standard deviation of the weights at the start; 0: as in He et al. 2015"""
    group: Annotated[int, Ge(0)] = 0
    """examples that are normalised together, and seen together by --minibatch; 0: all of an update"""
    statistics_decay: Fraction = 0.9
    """of the generator's running statistics:  r ← decay · r + (1 − decay) · those of the batch"""
    average_decay: Fraction = 0.0
    """decay of the running average of both networks' weights, which is evaluated and sampled while the weights
    themselves go on training; 0 is off"""
    accumulate: Count = 1
    """equal parts of each update's share whose gradients are taken one after the other; changes memory, not numbers"""

    def check(self, batch_size: int) -> None:
        """``ValueError`` in one line where a batch cannot be divided as it would have to be."""
        if batch_size % (self.updates * self.accumulate):
            raise ValueError(
                f"--batch-size {batch_size} must be a multiple of --updates {self.updates} times --accumulate "
                f"{self.accumulate}: each update has examples of its own"
            )
        part, together = batch_size // self.updates // self.accumulate, self.together(batch_size)
        if part % together:
            raise ValueError(
                f"with --updates {self.updates} and --accumulate {self.accumulate} a part of --batch-size {batch_size} "
                f"has {counted(part, 'example')}, of which {together} are taken together: add a smaller --group"
            )
        if together % self.packing:
            raise ValueError(f"the examples of a group, {together}, must be a multiple of --packing {self.packing}")
        if self.gradient_penalty and self.sees_several:
            raise ValueError("--gradient-penalty is of a slope at one example: leave out --packing and --minibatch")
        if self.loss == "wasserstein" and not (self.gradient_penalty or self.spectral):
            raise ValueError(
                "--loss wasserstein is for a critic of bounded slope: add --gradient-penalty or --spectral"
            )

    def together(self, batch_size: int) -> int:
        """The size of a group."""
        return self.group or batch_size // self.updates

    def idle(self) -> dict[str, str]:
        """Nothing bounds the slope without spectral normalisation."""
        return {} if self.spectral else {"slope": "without --spectral"}

    @property
    def sees_several(self) -> bool:
        """Whether what the discriminator says of an example depends on others."""
        return self.packing > 1 or self.minibatch != "none"

    @property
    def kernel_init(self) -> nn.initializers.Initializer:
        """How kernels begin."""
        deviation = self.initial_deviation
        return nn.initializers.normal(deviation) if deviation else nn.initializers.he_normal()

    @property
    def transposed_init(self) -> nn.initializers.Initializer:
        """How kernels of transposed convolutions of stride 2 begin."""
        deviation = self.initial_deviation
        return nn.initializers.normal(deviation) if deviation else transposed_he_normal(2)

    def judgement(self, batch_size: int) -> Judgement:
        """The discriminator's last layer."""
        return Judgement(self.minibatch, self.together(batch_size) // self.packing, self.packing, self.kernel_init)

    def bounded(self, discriminator: nn.Module) -> nn.Module | SpectrallyNormalized:
        """The discriminator, its kernels normalised where they are to be."""
        return SpectrallyNormalized(discriminator, self.slope) if self.spectral else discriminator
