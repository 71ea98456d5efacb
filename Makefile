# Two commands for newcomers: `make run` and `make test`. The others are for those who change things.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
LOCK := deploy/requirements.lock
DEV_LOCK := deploy/requirements-dev.lock

.PHONY: run test check format bench wheel-test lock clean

run: $(VENV)/.run ## install, then play a day of the e-commerce example (about a minute)
	$(BIN)/tidegate run --picture out/day.png

test: $(VENV)/.dev ## install, then run the whole test suite
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## speed and memory, as a table and as JSON in out/bench.json
	$(BIN)/python -m tests.bench --json out/bench.json

wheel-test: $(VENV)/.dev ## the test suite against the built wheel, in an environment of its own
	PYTHON=$(PYTHON) BIN=$(BIN) DEV_LOCK=$(DEV_LOCK) bash tests/wheel.sh

lock: $(VENV)/.dev ## resolve the dependencies anew, by hash
	$(PIP) install 'pip-tools>=7.4,<8'
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-header --extra plots --extra build -o $(LOCK) pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-header --extra plots --extra build --extra dev -o $(DEV_LOCK) pyproject.toml

clean:
	rm -rf $(VENV) out dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Tidegate needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python $(LOCK) pyproject.toml
	$(PIP) install --require-hashes -r $(LOCK)
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/bin/python $(DEV_LOCK) pyproject.toml
	$(PIP) install --require-hashes -r $(DEV_LOCK)
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run
