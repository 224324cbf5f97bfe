# The two commands are `make study` and `make test`; `make help` lists the rest.
# A virtual environment is made on first use. To use one that is active already (conda): VENV=

PROFILE ?= quick
# Reaches the commands by the environment: what it holds is never read as part of a command.
export PROFILE
PYTHON ?= python3
VENV ?= .venv

ifeq ($(strip $(VENV)),)
BIN :=
READY :=
else
BIN := $(VENV)/bin/
READY := $(VENV)/.installed
endif

DOIT := $(BIN)python -m doit
# Two workers, each with one thread: more would wait for the notebooks, which one of them runs in order.
PYTEST := $(BIN)python -m pytest -q -n 2
# What a committed notebook looks like: outputs and counts kept, traces of the machine dropped.
NORMAL_FORM := --keep-output --keep-count --keep-id --extra-keys \
  "metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.language_info"

.PHONY: help study book check test types coverage tidy reference clean
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PROFILE is one of: $(basename $(notdir $(wildcard profiles/*.yaml)))"

study: $(READY)  ## run every notebook on PROFILE=quick (or another) and build its book
	@$(DOIT) "profile=$$PROFILE" study

book: $(READY)  ## build the book from the committed notebooks, without running them
	@$(DOIT) profile=reference where

check: $(READY)  ## for everyday work: style and the quick unit tests, in a minute or so
	@$(BIN)ruff check
	@$(BIN)ruff format --check --quiet || { echo "Run make tidy."; exit 1; }
	@$(PYTEST) -m "not slow" tests

test: $(READY)  ## style, all unit tests, and every notebook on the smoke profile
	@$(BIN)ruff check
	@$(BIN)ruff format --check
	@$(BIN)nbstripout --verify $(NORMAL_FORM) notebooks/*.ipynb || { echo "Run make tidy."; exit 1; }
	@$(PYTEST) --nbval-lax --nbval-current-env --nbval-cell-timeout=600

types: $(READY)  ## check the types of the package, strictly
	@$(BIN)python -m mypy

coverage: $(READY)  ## all unit tests, and the share of the package's branches that they take
	@$(BIN)python -m coverage run -m pytest -q tests
	@$(BIN)python -m coverage combine --quiet
	@$(BIN)python -m coverage report

tidy: $(READY)  ## bring code and notebooks into the form that `make test` asks for
	@$(BIN)ruff check --fix
	@$(BIN)ruff format
	@$(BIN)nbstripout $(NORMAL_FORM) notebooks/*.ipynb

reference: $(READY)  ## after PROFILE=paper: its notebooks and summaries become the committed ones
	@$(DOIT) profile=paper reference
	@$(BIN)nbstripout $(NORMAL_FORM) notebooks/*.ipynb

clean:  ## delete what runs left (build/), but not the environment
	rm -rf build

ifneq ($(READY),)
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	  "$(PYTHON) is Python %d.%d, but 3.11 or newer is needed. Try: make PYTHON=python3.12" % v[:2])'
	@mkdir -p build
	@echo "[1/2] virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) > build/install.log 2>&1 || { cat build/install.log; \
	  echo "No virtual environment could be made (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "[2/2] packages: several minutes and up to 8 GB, log in build/install.log"
	@$(BIN)python -m pip install --progress-bar off -c constraints.txt -e '.[test]' \
	  >> build/install.log 2>&1 || { tail -n 15 build/install.log; \
	  echo "The packages could not be installed; the whole log is build/install.log."; exit 1; }
	@touch $@
endif
