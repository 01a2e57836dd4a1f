"""A variational autoencoder of the vertices of meshes with one connectivity, whose latent is a style and a pose."""

from collections.abc import Sequence

from flax import linen as nn
from jaxtyping import Array, Float

from models.mlp import MLP
from models.vae import Gaussian, GaussianHead


class MeshVAE(nn.Module):
    """Dense layers of ``widths`` from all coordinates down to the latent and, in reverse order, up again.

    Vertices are handed over and come back as deviations from a mean shape: the decoder's last layer starts small, and
    so its first meshes are near the mean, without folded faces. Kingma & Welling 2014; on meshes Tan et al. 2018.
    """

    vertices: int
    latent: int
    widths: Sequence[int]

    def setup(self) -> None:
        self.encoder = MLP(tuple(self.widths), "silu")
        self.head = GaussianHead(self.latent)
        self.decoder = MLP(tuple(reversed(self.widths)), "silu")
        self.last = nn.Dense(3 * self.vertices, kernel_init=nn.initializers.variance_scaling(0.01, "fan_avg", "normal"))

    def encode(self, deviations: Float[Array, "*batch vertices 3"]) -> Gaussian:
        """The approximate posterior of the latent."""
        return self.head(self.encoder(deviations.reshape(*deviations.shape[:-2], -1)))

    def decode(self, latents: Float[Array, "*batch latent"]) -> Float[Array, "*batch vertices 3"]:
        """Deviations from the mean shape."""
        return self.last(self.decoder(latents)).reshape(*latents.shape[:-1], self.vertices, 3)

    def __call__(self, deviations: Float[Array, "*batch vertices 3"]) -> Float[Array, "*batch vertices 3"]:
        """What the mean of the posterior is decoded to."""
        return self.decode(self.encode(deviations).mean)
