# make demo   the whole thing on made-up data, in a throwaway folder
# make test   everything the tests need, then all of them
# make lint   ruff, mypy, import contracts
# make screenshots   the pictures in docs/screenshots
# make bench  how fast it is, into docs/benchmarks.md; BENCH=insert,open for a part, printed only
# make fuzz   looks for files that the drop folder reads wrongly; MINUTES=10
# make soak   kills the ledger's writers over and over, into docs/benchmarks.md; CYCLES=15000

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOCUS := .venv-focus

.PHONY: demo test lint format screenshots bench fuzz soak packages clean

demo: $(VENV)/installed
	$(BIN)/trayd demo

test: packages $(VENV)/developed $(FOCUS)/installed
	$(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/developed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: packages $(VENV)/developed
	$(BIN)/python -m tests.screenshots docs/screenshots

bench: packages $(VENV)/developed
	$(BIN)/python -m tests.benchmarks $(BENCH)

fuzz: $(VENV)/developed
	$(BIN)/python -m tests.fuzz $(MINUTES)

soak: $(VENV)/developed
	$(BIN)/python -m tests.soak $(CYCLES)

clean:
	rm -rf $(VENV) $(FOCUS) build dist

# Named before anything is downloaded, where they cannot be installed.
packages:
	@PYTHON=$(PYTHON) sh installers/prepare.sh tests

$(BIN)/python:
	@PYTHON=$(PYTHON) sh installers/prepare.sh venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

# The official validator of FOCUS exports; where it cannot run, its tests are left out.
$(FOCUS)/installed: tests/focus-requirements.txt
	@sh installers/focus.sh $(FOCUS)
