# `make` alone lists the targets. A fresh clone needs Python 3.11 or newer, make and a C compiler.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
PORT ?= 5000
TODAY ?= 2026-03-01

.DEFAULT_GOAL := help
.PHONY: help run test lint format schema mutate bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: $(STAMP) ## install what is missing, serve the shipped rules on 127.0.0.1:5000, print one curl to try
	$(BIN)/cds serve --port $(PORT) --today $(TODAY)

test: $(STAMP) ## run every test (code and rules)
	$(BIN)/pytest -n auto
	$(BIN)/cds test

lint: $(STAMP) ## check code style, types, the order of the folders, the rules, and the written pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cds lint --persona auditor
	$(BIN)/cds fmt --check
	$(BIN)/cds docs --program --check

format: $(STAMP) ## put the code in its canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(STAMP) ## write rules/rule.schema.json anew from the models
	$(BIN)/python -m cds_service.rulebook.schema

mutate: $(STAMP) ## try every small mistake in the shipped rules; list those no test notices
	$(BIN)/cds coverage --mutate

bench: $(STAMP) ## measure latency and growth, as ratios to a floor measured beside them
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.growth

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 …")'
	@echo "Installing into $(VENV): a minute or two on a new machine."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)
