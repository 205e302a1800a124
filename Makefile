# Wellhead. The two commands to know: `make demo` and `make test`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= $(shell python3.13 -c 'import ensurepip' 2>/dev/null && echo python3.13 || echo python3)
BIN := .venv/bin
ROWS ?= 50000
SOURCE ?=
PRESET ?=
STORE ?=
MACHINE ?=
WORKERS ?=
BENCH ?=
STAGE ?= dev
PARAMETERS ?=
TAGS ?=
DATA ?= keep
PLAN ?=
YES ?=
ROLE ?=
NAME ?=
DAYS ?=
PLACES ?=
NAMES ?=
SOAKED = $(shell grep -rlE "support\.soak|by_lot|IN_SOAK|file_or_lake" tests --include="test_*.py") # the tests of which a run takes a part
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"
EDITABLE = --no-index --no-deps --no-build-isolation --editable .  # built by the locked setuptools: nothing is fetched
CONSOLE = tools/console
NODE_IS_NEW = const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)
unexport PYTHONDONTWRITEBYTECODE
export COMPATIBILITY ?= $(HOME)/.cache/wellhead/compatibility
export THIRD_PARTY ?= $(HOME)/.cache/wellhead/third-party
export SPARK_ENVIRONMENT ?= $(HOME)/.cache/wellhead/spark

.PHONY: help setup demo check-source run screenshots test environments compatibility third-party spark-check package deploy destroy token smoke soak bench bench-source bench-ranges bench-cold-start bench-load bench-merge bench-peers check lint lint-console figures openapi shared format lock clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup: .venv/checks .venv/bundle ## make the virtual environment .venv with the tools of the tests (locked versions, hashes checked)

.venv/ready: requirements-local.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Wellhead needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.13 ...")'
	@echo "Setting up .venv (once) ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-local.txt && \
		uv pip install --quiet --python $(BIN)/python $(EDITABLE); \
	else \
		$(PYTHON) -m venv --clear .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-local.txt && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check $(EDITABLE); \
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

demo: .venv/ready ## import 50,000 rows end to end (SOURCE=<file, definition or URL>, PRESET=<name>, ROWS=<count>, STORE=iceberg for a lake, MACHINE=states WORKERS=8 for many workers)
	@$(BIN)/python -m local demo --rows $(ROWS) $(if $(STORE),--store $(STORE)) $(if $(MACHINE),--machine $(MACHINE)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SOURCE),--source "$(SOURCE)") $(if $(PRESET),--preset "$(PRESET)")

check-source: .venv/ready ## show what an import would find at a source, and store nothing (SOURCE=, PRESET= as for demo)
	@$(BIN)/python -m local check-source --rows $(ROWS) $(if $(SOURCE),--source "$(SOURCE)") $(if $(PRESET),--preset "$(PRESET)")

run: .venv/ready ## keep the local stack serving until Ctrl-C (SOURCE=, PRESET=, ROWS=, STORE=, MACHINE=, WORKERS= as for demo)
	@$(BIN)/python -m local run --rows $(ROWS) $(if $(STORE),--store $(STORE)) $(if $(MACHINE),--machine $(MACHINE)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SOURCE),--source "$(SOURCE)") $(if $(PRESET),--preset "$(PRESET)")

screenshots: .venv/checks ## take the pictures of the console, the command line and the window in docs/images (needs Chromium and Xvfb)
	@$(BIN)/python -m local.pictures.console
	@$(BIN)/python -m local.pictures.terminal
	@$(BIN)/python -m local.pictures.window

# What Lambda runs beside our code; the tests package it and contact nobody.
.venv/bundle: .venv/ready requirements.txt requirements-lake.txt
	@echo "Fetching the packages of the Lambda bundle (once) ..."
	@$(BIN)/python -m infra fetch
	@touch $@

package: .venv/bundle ## build what is deployed: build/STAGE/wellhead.zip and template.json (STAGE=dev)
	@$(BIN)/python -m infra package --stage $(STAGE)

deploy: .venv/bundle ## package, then create or change the stack in AWS (STAGE=dev, PARAMETERS="SourceUrl=https://... LogDays=7", TAGS="team=wells", PLAN=1 only shows it)
	@$(BIN)/python -m infra deploy --stage $(STAGE) $(if $(PLAN),--plan) $(foreach pair,$(PARAMETERS),--parameter '$(pair)') $(foreach pair,$(TAGS),--tag '$(pair)')

destroy: .venv/ready ## delete the stack and keep its data (STAGE=dev, DATA=delete deletes that too, YES=wellhead-dev says that you mean it)
	@$(BIN)/python -m infra destroy --stage $(STAGE) --data $(DATA) $(if $(YES),--yes '$(YES)')

token: .venv/ready ## make a token for the deployed API (STAGE=dev, ROLE=reader, operator or admin, NAME=..., DAYS=90)
	@$(BIN)/python -m infra token --stage $(STAGE) --role '$(ROLE)' --name '$(NAME)' --days '$(DAYS)'

smoke: .venv/ready ## try once what a deployed stage can do, with its own rows, and print a table (STAGE=try; CHANGES=1: new code and a new stack too)
	@$(BIN)/python -m infra smoke --stage $(STAGE) $(if $(CHANGES),--changes) $(if $(YES),--yes $(YES))

test: .venv/checks .venv/bundle ## run all the tests
	@$(BIN)/python -m pytest --floor

environments: .venv/checks ## make the environments of what others wrote, which the tests use: DuckDB 1.4, 1.5 and 2.0, odatapy, SAP CAP, @odata/client (needs npm)
	@for version in 1.4 1.5 2.0; do \
		home="$(COMPATIBILITY)/$$version"; more=; \
		[ $$version != 1.5 ] || more="duckdb-extension-httpfs==1.5.5 pandas"; \
		[ -e "$$home/ready" ] || { $(PYTHON) -m venv --clear "$$home" && \
			"$$home/bin/python" -m pip install --quiet --disable-pip-version-check "duckdb==$$version.*" $$more && \
			touch "$$home/ready"; } || exit 1; \
	done
	@cd tests && ../$(BIN)/python -m support.third_party.environment

compatibility: environments ## read a published file with DuckDB 1.4, 1.5 and 2.0, each in its own environment
	@$(BIN)/python -m pytest tests/store/test_compatibility.py tests/store/test_using_the_data.py

third-party: environments ## import from odatapy and SAP CAP, servers that others wrote
	@$(BIN)/python -m pytest -rsx tests/odata/test_third_party.py

spark-check: .venv/checks ## merge with Spark, on a cluster of two workers here, and compare with DuckDB (needs a JDK 17 and Debian's packages; some minutes)
	@cd tests && ../$(BIN)/python -m support.spark.environment
	@SPARK_CHECK=1 $(BIN)/python -m pytest -rs -n 0 --timeout 1800 tests/lake/test_spark_cluster.py

soak: .venv/checks ## the tests of races and crashes again, many times longer, and all cases of those by lot (more than an hour)
	@SOAK=1 $(BIN)/python -m pytest --timeout 7200 $(SOAKED)

check: lint test ## everything: lint, then all the tests

lint: .venv/checks ## style, types, import rules and the SQL
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.sql
	@$(MAKE) --no-print-directory lint-console

# What checks the console's scripts is of npm, which the product and its tests do without.
lint-console: .venv/checks ## types, rules and style of the web console's scripts (needs npm and Node.js 20.19 or later)
	@if ! command -v npm >/dev/null 2>&1; then \
		echo "NOT CHECKED: the web console's scripts. There is no npm here, which brings what checks them."; \
	elif ! node -e '$(NODE_IS_NEW)'; then \
		echo "NOT CHECKED: the web console's scripts. Node.js $$(node --version) is too old for what checks them: 20.19 is needed."; \
	else \
		$(MAKE) --no-print-directory $(CONSOLE)/node_modules/ready && \
		$(BIN)/python -m infra.openapi.typescript $(CONSOLE)/api.d.ts && \
		npm --prefix $(CONSOLE) run --silent check && \
		echo "The web console's scripts: types, rules and style are right."; \
	fi

$(CONSOLE)/node_modules/ready: $(CONSOLE)/package-lock.json
	@echo "Fetching what checks the web console's scripts (once) ..."
	@npm --prefix $(CONSOLE) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

figures: ## how plainly the code reads, room by room (PLACES="chalicelib/jobs app.py", NAMES=1 lists what it counts)
	@$(PYTHON) tools/figures.py $(if $(NAMES),--names) $(PLACES)

openapi: .venv/checks ## write the OpenAPI document and the tables of the documents out of the code
	@$(BIN)/python -m infra.openapi

shared: .venv/checks ## write what console and clients share with the product: words, lists, and modules that are copied
	@$(BIN)/python -m infra.shared

format: .venv/checks ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .
	@if [ -e $(CONSOLE)/node_modules/ready ]; then npm --prefix $(CONSOLE) run --silent format; fi

bench: .venv/ready ## measure a whole import next to DuckDB's own load and other tools, tables and a JSON file (BENCH="--rows 1e6 --no-peers")
	@$(BIN)/python -m benchmarks $(BENCH)

bench-source: .venv/ready ## measure how fast the source is read, next to curl and requests (BENCH="--rows 1e5 --document")
	@$(BIN)/python -m benchmarks.source $(BENCH)

bench-ranges: .venv/ready ## measure how much faster a slow source is when it is read in parts (BENCH="--rows 1e5 --document")
	@$(BIN)/python -m benchmarks.ranges $(BENCH)

bench-cold-start: .venv/ready ## measure the cold start of the packaged functions next to a bare boto3 handler (BENCH="--turns 21 --document")
	@$(BIN)/python -m benchmarks.cold_start $(BENCH)

bench-load: .venv/ready ## measure 10,000 status and 1,000 trigger requests against a local stack, and the register and the feed of 200,000 wells (BENCH="--document")
	@$(BIN)/python -m benchmarks.load $(BENCH)
	@$(BIN)/python -m benchmarks.register $(filter --document,$(BENCH))
	@$(BIN)/python -m benchmarks.feed $(filter --document,$(BENCH))

bench-merge: .venv/ready ## measure 1,000,000 rows merged into stores of up to 50 million, 1.2 GB of cache (BENCH="--stores 5e7 --document")
	@$(BIN)/python -m benchmarks.merging $(BENCH)

bench-peers: .venv/ready ## make the other tools' own environments (make bench does it too)
	@$(BIN)/python -m benchmarks.environments

lock: ## resolve pyproject.toml's dependency groups into the locked requirements (needs uv), and npm's packages: SAP CAP's, and what checks the console (needs npm)
	$(LOCK) --upgrade --group bundle -o requirements.txt
	$(LOCK) --upgrade --constraint requirements.txt --group bundle --group lake --group local --group clients --group check \
		-o requirements-dev.txt
	$(LOCK) --constraint requirements-dev.txt --group bundle --group lake --group local --group clients -o requirements-local.txt
	$(LOCK) --constraint requirements-dev.txt --group lake -o requirements-lake.txt
	$(LOCK) --upgrade --group third-party -o tests/support/third_party/requirements.txt
	$(LOCK) --upgrade --group spark -o tests/support/spark/requirements.txt
	$(LOCK) --upgrade --group node -o tools/console/requirements-node.txt
	for place in tests/support/third_party/cap tests/support/third_party/node_client $(CONSOLE); do (cd $$place && \
		npm update --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund) || exit 1; done

clean: ## remove .venv, builds and caches; the data in .local stays
	rm -rf .venv build $(CONSOLE)/node_modules $(CONSOLE)/api.d.ts wellhead.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
