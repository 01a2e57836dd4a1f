"""The preparing command: without TensorFlow, with an unknown name, and when the writer loses records."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from experiments.datasets import DataError, prepare


def test_missing_tensorflow_is_said_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(sys, "argv", ["prepare", "mnist", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        prepare.main()
    assert stopped.value.code == 2
    assert "pip install 'lectern[prepare]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "no data set 'mnits'; did you mean mnist"),
        ("qqqqqqqq", "no data set 'qqqqqqqq'; the names are at https"),
        ("a b", "TFDS cannot open a b"),
    ],
)
def test_a_wrong_name_says_which_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setattr(prepare, "find_spec", lambda module: ModuleType(module))
    with pytest.raises(DataError, match=message):
        prepare.prepare(name, tmp_path)


def test_a_failing_generator_is_reported_in_one_line() -> None:
    def download_and_prepare(file_format: str) -> None:
        raise ConnectionError(f"no route\nwhile writing {file_format}")

    builder = SimpleNamespace(
        download_and_prepare=download_and_prepare, info=SimpleNamespace(full_name="made_up/1.0.0")
    )
    with pytest.raises(
        DataError, match=r"made_up/1\.0\.0 could not be prepared: ConnectionError: no route while .*array_rec"
    ):
        prepare.write(builder)
