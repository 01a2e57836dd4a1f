import pytest

from experiments import runner


@pytest.fixture
def without_figures(monkeypatch):
    """Where numbers are compared nothing is drawn: each experiment's figures are drawn by its contract."""
    monkeypatch.setattr(runner, "draw_figures", lambda run, workdir, params: None)
