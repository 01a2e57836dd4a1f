"""Files of weights: arrays by name, as safetensors; nothing in them is executed."""

from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

import ml_dtypes  # noqa: F401 (with it NumPy, and so safetensors, knows bfloat16)
import numpy as np

from experiments.errors import WrongInput


def save_weights(weights: Mapping[str, np.ndarray], path: Path) -> None:
    """Writes the arrays in the order of their entries, also of those that lie transposed in memory."""
    from safetensors.numpy import save

    path.write_bytes(save({name: np.ascontiguousarray(leaf) for name, leaf in weights.items()}))


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays by name; floats, bfloat16 and float16 among them, as float32.

    ``WrongInput`` where there is no file, or it is of another kind: pickled weights are never opened.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights = load_file(path)
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror or error}") from error
    except (SafetensorError, TypeError, ValueError) as error:
        raise WrongInput(f"{path} is no file of safetensors ({error}); weights in pickles are not read") from error
    return {name: _as_float32(leaf) for name, leaf in weights.items()}


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _as_float32(array: np.ndarray) -> np.ndarray:
    return array if np.issubdtype(array.dtype, np.integer) else array.astype(np.float32)
