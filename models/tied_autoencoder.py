"""An autoencoder whose decoder has the encoder's weights, transposed, and so nearly half the parameters.

Vincent et al. 2010; Makhzani & Frey 2014.
"""

from collections.abc import Iterator
from typing import Any

from flax.traverse_util import flatten_dict, unflatten_dict

from models.autoencoder import Autoencoder

Path = tuple[str, ...]


class TiedAutoencoder(Autoencoder):
    """Dense layers x → h = f(Wᵀ x + b), and back x̂ = g(W h + a): a decoder's layer owns only its bias.

    Of ``models.autoencoder.mlp_autoencoder``'s parts, for a decoder with one output for every value of the image; layer
    by layer, the decoder's run through the encoder's backwards. A kernel's gradient is the sum of both its uses'.
    """

    def init(self, *given: Any, **options: Any) -> Any:
        """The parameters of both, without the decoder's kernels."""
        leaves = flatten_dict(super().init(*given, **options))
        for _, transposed in self._kernels():
            del leaves[transposed]
        return unflatten_dict(leaves)

    def apply(self, variables: Any, *given: Any, **options: Any) -> Any:
        """As ``Autoencoder``'s, with the kernels that the decoder lacks."""
        leaves = flatten_dict(variables)
        transposed = {of_decoder: leaves[of_encoder].T for of_encoder, of_decoder in self._kernels()}
        return super().apply(unflatten_dict(leaves | transposed), *given, **options)

    def _kernels(self) -> Iterator[tuple[Path, Path]]:
        """Where the kernel of each of the encoder's layers lies, and where its mirror image in the decoder."""
        depth = len(self.encoder.widths)
        encoder = [("MLP_0", f"Dense_{layer}") for layer in range(depth)] + [("head", "linear")]
        decoder = [("MLP_0", f"Dense_{layer}") for layer in range(depth)] + [("Dense_0",)]
        for one, other in zip(encoder, reversed(decoder), strict=True):
            yield ("params", "encoder", *one, "kernel"), ("params", "decoder", *other, "kernel")
