"""A transformer encoder that names what it sees: an image as a sequence of patches, and one token for the answer.

Dosovitskiy et al. 2021, "An image is worth 16x16 words"; the answer's token is BERT's (Devlin et al. 2019). Lecture
003, "Encoder-only".
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.dropout import Dropout
from models.encoder_decoder import Stack
from models.layers.initializers import gaussian
from models.layers.patches import image_patches
from models.transformer import DEVIATION, Shape, dense


class ImageTransformer(nn.Module):
    """Image → a logit a class.

        h = blocks([a, W x_1, …, W x_P] + p),   logits = V h_0 + c

    x_i are the patches; the answer's token a and a position p_t for each place are learnt, and no mask hides anything.
    """

    classes: int
    shape: Shape
    patch: int = 2
    """pixels of a side"""

    @nn.compact
    def __call__(self, images: Float[Array, "batch height width channels"]) -> Float[Array, "batch classes"]:
        patches = jax.vmap(partial(image_patches, size=self.patch))(images)
        tokens = dense(self.shape.width, self.shape)(patches)
        begin = gaussian(DEVIATION)
        answer = self.param("answer", begin, (self.shape.width,), jnp.float32)
        positions = self.param("positions", begin, (patches.shape[1] + 1, self.shape.width), jnp.float32)
        answers = jnp.broadcast_to(answer.astype(tokens.dtype), (images.shape[0], 1, self.shape.width))
        features = jnp.concatenate([answers, tokens], axis=1) + positions
        features = Stack(self.shape, name="stack")(Dropout(self.shape.dropout)(features), None)
        return nn.Dense(self.classes, name="readout")(features[:, 0])
