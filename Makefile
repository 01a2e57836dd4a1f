# Everything from a bare python3 (3.11 or newer): `make vae` trains, `make test` tests.
PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
PARITY ?= .venv-parity
# Options for pip where the CPU build of PyTorch is not what the package index gives by default.
PEER_PIP_OPTIONS ?=
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: setup vae test test-slow lint format bench parity ledger times clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

vae: setup
	$(BIN)/lectern run vae

test: setup
	$(BIN)/pytest -n 2 --dist loadscope

test-slow: setup
	$(BIN)/pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(PEERS)/.installed: experiments/bench/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check $(PEER_PIP_OPTIONS) -r $<
	@touch $@

$(PARITY)/.installed: experiments/bench/peers/requirements-parity.txt
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/pip install --quiet --disable-pip-version-check $(PEER_PIP_OPTIONS) -r $<
	@touch $@

parity: setup $(PARITY)/.installed
	PARITY=$(PARITY) $(BIN)/pytest -m slow tests/models/convnets/test_torchvision_parity.py \
		tests/models/layers/test_torchvision_parity.py tests/models/layers/test_diffusers_parity.py

bench: setup $(PEERS)/.installed
	PEERS=$(PEERS) $(BIN)/lectern bench

ledger: setup
	$(BIN)/lectern report docs/ledger --pool --markdown docs/ledger.md
	$(BIN)/python -m experiments.report.systems
	$(BIN)/python -m experiments.report.times

# Every experiment as it is by default, one after the other: more than an hour. What was measured before stays.
times: setup
	$(BIN)/python -m experiments.bench.defaults

clean:
	rm -rf $(VENV) $(PEERS) $(PARITY) .venv-3.* build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
