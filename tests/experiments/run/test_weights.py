"""Files of weights: what is written is what is read, whatever its layout in memory and its number of bits."""

import struct
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from experiments.errors import WrongInput
from experiments.run.weights import digest, read_weights, save_weights


def test_a_transposed_kernel_keeps_its_entries_in_their_places(tmp_path):
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert not kernel.flags.c_contiguous
    save_weights({"kernel": kernel}, tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(load_file(tmp_path / "weights.safetensors")["kernel"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(read_weights(tmp_path / "weights.safetensors")["kernel"], kernel)


def test_every_float_becomes_float32(tmp_path):
    values = np.array([[1.0, -2.5, 3e-3], [0.0, 7.0, 1e4]])
    kinds = {"float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32}
    arrays = {name: values.astype(kind) for name, kind in kinds.items()}
    save_file(arrays | {"counter": np.asarray(3)}, tmp_path / "weights.safetensors")
    read = read_weights(tmp_path / "weights.safetensors")
    for name, array in arrays.items():
        assert read[name].dtype == np.float32
        np.testing.assert_array_equal(read[name], array.astype(np.float32))
    assert (read["counter"].dtype, read["counter"]) == (np.int64, 3)


READER = """
import sys
from pathlib import Path
from experiments.run.weights import read_weights
assert "jax" not in sys.modules
assert read_weights(Path(sys.argv[1]))["a"].tolist() == [1.0, -2.0]
"""


def test_bfloat16_needs_no_other_import(tmp_path):
    """Bytes as the format defines them, in a process that has not imported JAX."""
    header = b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    content = struct.pack("<Q", len(header)) + header + struct.pack("<HH", 0x3F80, 0xC000)
    (tmp_path / "weights.safetensors").write_bytes(content)
    subprocess.run([sys.executable, "-c", READER, str(tmp_path / "weights.safetensors")], check=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is no file of safetensors"),
        (b"\x80\x04pickled weights of torch.save", "is no file of safetensors .*; weights in pickles are not read"),
        (
            struct.pack("<Q", 53) + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
            "is no file of safetensors",
        ),
    ],
    ids=["missing", "empty", "pickle", "cut"],
)
def test_another_file_is_refused_in_a_line(tmp_path, content, message):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongInput, match=message):
        read_weights(path)


def test_the_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert digest(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
