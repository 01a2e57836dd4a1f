"""Arrays that a saved run is given from Python, held against the shapes and values that it takes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from experiments.errors import WrongInput
from experiments.evaluations.codec import Codec

DIVIDE = "divide bytes by 255"


def checked_codec(codec: Codec, image_shape: tuple[int, int, int]) -> Codec:
    """``codec``, which raises ``WrongInput`` for images or codes of another shape than its own."""
    image = jax.ShapeDtypeStruct((1, *image_shape), np.float32)
    code_shape = jax.eval_shape(codec.encode, image).shape[1:]
    return Codec(_checked(codec.encode, "images", image_shape), _checked(codec.decode, "codes", code_shape))


def check_batch(given: Array, things: str, shape: tuple[int, ...]) -> None:
    """Raises ``WrongInput``, with the shapes expected and found, unless ``given`` is ``[N, *shape]``."""
    found = np.shape(given)
    if found[1:] == shape:
        return
    advice = f"add the first axis: {things}[None]" if found == shape else f"give {things} as the run's data make them"
    raise WrongInput(f"expected {things} {_written('N', *shape)}, found {_written(*found)}: {advice}")


def check_picture(given: Array, channels: int) -> None:
    """Raises ``WrongInput``, with the shapes expected and found, unless ``given`` is [height, width, ``channels``]."""
    found = np.shape(given)
    if len(found) != 3 or found[-1] != channels or 0 in found:
        expected = _written("height", "width", channels)
        raise WrongInput(f"expected pictures {expected}, each by itself, found one of {_written(*found)}")


def check_intensities(given: Array) -> None:
    """Raises ``WrongInput`` for pixels that are no floating-point numbers from 0 to 1."""
    values = np.asarray(given)
    if not jnp.issubdtype(values.dtype, np.floating):
        raise WrongInput(f"expected pixels as floating-point numbers from 0 to 1, found {values.dtype}: {DIVIDE}")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise WrongInput(f"expected pixels from 0 to 1, found {values.min():g} to {values.max():g}: {DIVIDE}")


def _checked(function: Callable[[Array], Array], things: str, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    def called(given: Array) -> Array:
        check_batch(given, things, shape)
        return function(given)

    return called


def _written(*sizes: object) -> str:
    return f"[{', '.join(map(str, sizes))}]"
