# Any Python from 3.11 to 3.13: `make run PYTHON=python3.12`.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
NAME ?=

# An activated environment, or a path that somebody else set, must not leak into ours.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV

BIN := $(VENV)/bin
SOURCES := pyproject.toml constraints.txt
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install run sample claims check test lint format benchmark study notebooks docs docs-serve \
  constraints clean

help: ## Say what can be made.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The version is asked of the interpreter first: pip's own refusal would come minutes later.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "Doppelcart needs Python 3.11 to 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(SOURCES) | $(BIN)/python
	$(INSTALL) -e ".[notebooks]"
	@touch $@

$(VENV)/.installed-dev: $(SOURCES) | $(BIN)/python
	$(INSTALL) -e ".[dev]"
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed ## Set up .venv; does nothing where it is up to date.

run: $(VENV)/.installed ## Set up, then `kedro run` on Complete Journey (ARGS="--env movielens" and so on).
	$(BIN)/kedro run $(ARGS)

sample: $(VENV)/.installed ## Set up, then a first look in minutes: a quarter of Complete Journey.
	$(BIN)/kedro run --env sample $(ARGS)

claims: $(VENV)/.installed ## Run all that makes a claim on this machine, then collect the claims (ARGS="--env sample").
	$(BIN)/python -m doppelcart.pipelines.claims $(ARGS)

check: lint ## What to run before each commit: lint, types, contracts, and the unit tests that are quick.
	$(BIN)/python -m pytest tests/unit -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder -q $(ARGS)

test: $(VENV)/.installed-dev ## Set up, then the whole test suite (ARGS="-m 'not slow'" for the quick part).
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev ## Lint, format, types and import contracts; changes nothing.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify --keep-id notebooks/*.ipynb

format: $(VENV)/.installed-dev ## Put lint and format right where a machine can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.installed-dev ## Measure time and memory.
	@mkdir -p build
	$(BIN)/python -m pytest benchmarks --benchmark-json=build/benchmark.json $(ARGS)
	$(BIN)/python -m benchmarks build/benchmark.json

study: $(VENV)/.installed-dev ## Hold every contest of methods, or one (NAME=critic).
	$(BIN)/python -m studies $(NAME)

# modules.js lies in docs/site/static: the site loads nothing from elsewhere.
notebooks: $(VENV)/.installed-dev ## Execute the notebooks on the last run, into build/notebooks; the site shows them.
	$(BIN)/jupyter nbconvert --to html --execute --output-dir build/notebooks --log-level WARN \
	  --HTMLExporter.mathjax_url= --HTMLExporter.require_js_url=modules.js notebooks/*.ipynb

# The theme tells of its successor at every build; docs/decisions/0005-site.md says what of it counts.
docs docs-serve: export NO_MKDOCS_2_WARNING = 1

docs: $(VENV)/.installed-dev ## Build the documents and the API as a site in build/docs; a broken link is an error.
	$(BIN)/mkdocs build --quiet --strict

docs-serve: $(VENV)/.installed-dev ## Show the site while you write, at http://127.0.0.1:8000.
	$(BIN)/mkdocs serve

constraints: $(VENV)/.installed-dev ## Resolve constraints.txt anew from pyproject.toml.
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-header \
	  --no-annotate --upgrade pyproject.toml \
	  --output-file constraints.txt

clean: ## Remove the environment, caches and built pages; data, tracked runs and studies' trainings stay.
	find build -mindepth 1 -maxdepth 1 ! -name studies ! -name peers -exec rm -rf {} + 2>/dev/null || true
	rm -rf $(VENV) dist htmlcov .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
