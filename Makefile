# Redcat: set-up, demo, tests. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests on every core; those of one file together, since they share what they set up.
PARALLEL := --numprocesses auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo ui test test-slow test-all lint format audit bench drills screenshots dictionary clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make the virtual environment in .venv with the pinned versions

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Redcat needs Python 3.11 or later; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup ## Generate a brand, run everything, print what each category returned
	@$(BIN)/redcat demo

ui: setup ## Open the asset graph in the browser
	@$(BIN)/redcat ui

test: setup ## Run the tests, but for the slow ones
	$(BIN)/python -m pytest -m 'not slow' $(PARALLEL)

test-slow: setup ## Run the slow tests
	$(BIN)/python -m pytest -m slow $(PARALLEL)

test-all: setup ## Run all tests
	$(BIN)/python -m pytest $(PARALLEL)

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

audit: setup ## Check the installed packages: pinned, whole, in agreement, not withdrawn, free to use
	$(BIN)/python -m tests.audit --index

bench: setup ## Measure speed and memory as ratios to stated floors; takes a few minutes
	$(BIN)/python -m benchmarks

drills: setup ## Break things 10,000 times and run a year of days; prints figures and takes hours
	$(BIN)/python -m tests.drills.fuzz
	$(BIN)/python -m tests.drills.kills
	$(BIN)/python -m tests.drills.soak

screenshots: setup ## Take the README's pictures of the demo in REDCAT_HOME (default .redcat)
	$(BIN)/python -m tests.screenshots $(or $(REDCAT_HOME),.redcat) docs/images

dictionary: setup ## Write docs/data-dictionary.md from the contracts
	$(BIN)/python -m data_contracts.dictionary docs/data-dictionary.md

clean: ## Remove the virtual environment and caches, not the data
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
