# Wellhead. The two commands to know: `make demo` and `make test`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
ROWS ?= 50000
SOURCE ?=
BENCH ?=
SOAKED = $(addprefix tests/test_,crash_points.py kills.py repository.py races.py duplicate_deliveries.py simulation.py lock_model.py)
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"
unexport PYTHONDONTWRITEBYTECODE
export COMPATIBILITY ?= $(HOME)/.cache/wellhead/compatibility

.PHONY: help setup demo check-source run test compatibility soak bench bench-source bench-peers check lint format lock clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup: .venv/checks ## make the virtual environment .venv with the tools of the tests (locked versions, hashes checked)

.venv/ready: requirements-local.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Wellhead needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.13 ...")'
	@echo "Setting up .venv (once) ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-local.txt; \
	else \
		$(PYTHON) -m venv --clear .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-local.txt; \
	fi
	@touch $@

.venv/checks: .venv/ready requirements-dev.txt
	@echo "Adding the tools of the tests to .venv (once) ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt; \
	fi
	@touch $@

demo: .venv/ready ## import 50,000 rows end to end (SOURCE=<file or OData URL>, ROWS=<count>)
	@$(BIN)/python -m local demo --rows $(ROWS) $(if $(SOURCE),--source "$(SOURCE)")

check-source: .venv/ready ## show what an import would find at a source, and store nothing (SOURCE=<file or OData URL>)
	@$(BIN)/python -m local check-source --rows $(ROWS) $(if $(SOURCE),--source "$(SOURCE)")

run: .venv/ready ## keep the local stack serving until Ctrl-C (SOURCE=, ROWS= as for demo)
	@$(BIN)/python -m local run --rows $(ROWS) $(if $(SOURCE),--source "$(SOURCE)")

test: .venv/checks ## run all the tests
	@$(BIN)/python -m pytest

compatibility: .venv/checks ## read a published file with DuckDB 1.4, 1.5 and 2.0, each in an environment of its own
	@for version in 1.4 1.5 2.0; do \
		home="$(COMPATIBILITY)/$$version"; more=; \
		[ $$version != 1.5 ] || more="duckdb-extension-httpfs==1.5.5 pandas"; \
		[ -e "$$home/ready" ] || { $(PYTHON) -m venv --clear "$$home" && \
			"$$home/bin/python" -m pip install --quiet --disable-pip-version-check "duckdb==$$version.*" $$more && \
			touch "$$home/ready"; } || exit 1; \
	done
	@$(BIN)/python -m pytest tests/test_compatibility.py tests/test_using_the_data.py

soak: .venv/checks ## the tests of races and crashes again, many times longer (about an hour)
	@SOAK=1 $(BIN)/python -m pytest --timeout 7200 $(SOAKED)

check: lint test ## everything: lint, then all the tests

lint: .venv/checks ## style, types and import rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: .venv/checks ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: .venv/ready ## measure a whole import beside DuckDB's own load and other tools, tables and a JSON file (BENCH="--rows 1e6 --no-peers")
	@$(BIN)/python -m benchmarks $(BENCH)

bench-source: .venv/ready ## measure how fast the source is read, beside curl and requests (BENCH="--rows 1e5 --document")
	@$(BIN)/python -m benchmarks.source $(BENCH)

bench-peers: .venv/ready ## make the other tools' own environments (make bench does it too)
	@$(BIN)/python -m benchmarks.environments

lock: ## resolve pyproject.toml's dependency groups into the locked requirements (needs uv)
	$(LOCK) --upgrade --group bundle -o requirements.txt
	$(LOCK) --upgrade --constraint requirements.txt --group bundle --group local --group clients --group check \
		-o requirements-dev.txt
	$(LOCK) --constraint requirements-dev.txt --group bundle --group local --group clients -o requirements-local.txt

clean: ## remove .venv and caches; the data in .local stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
