# Needs python3 (3.11 or newer, with venv and pip) and make. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := $(foreach folder,exporter tests benchmarks dashboards alerts helm scripts,$(if $(wildcard $(folder)/*.py $(folder)/*/*.py),$(folder)))
COMPILE := uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

# Two workers more than cores, for tests wait for other processes: 229 s instead of 252 s on two cores.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --ignore tests/benchmarks

mutants: ARGS = --sample 10

# Tests start the exporter hundreds of times, and every worker rewrites the assertions of every test: once is enough.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo monitor test golden coverage benchmarks mutants check audit soak types format calls docs build lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.run ## Run the exporter on a simulated GitHub; options: make demo ARGS="--users 5000"
	@$(BIN)/python -m exporter demo $(ARGS)

monitor: $(VENV)/.run ## Run the demo with Prometheus and Alertmanager; options: make monitor ARGS="--prometheus-port 19090"
	@$(BIN)/python scripts/monitor.py $(ARGS)

test: $(VENV)/.dev ## Run the tests, without those marked slow, and list what is skipped; options: make test ARGS="-n 0 -k runners"
	@$(PYTEST) -m 'not slow' $(ARGS)

golden: $(VENV)/.dev ## Write the golden files of the collectors again; read the diff
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/collectors/test_golden.py $(ARGS)

# They run what others cover already, again and again, or other programs.
UNMEASURED = alerts dashboards deploy faults field helm

coverage: $(VENV)/.dev ## Run all tests and measure coverage, which takes three times as long
	@$(BIN)/coverage erase
	@$(PYTEST) --cov=exporter --cov-report= --cov-fail-under=0 $(addprefix --ignore tests/,$(UNMEASURED)) $(ARGS)
	@$(PYTEST) $(addprefix tests/,$(UNMEASURED)) $(ARGS)
	$(BIN)/coverage report --omit 'exporter/simulator/*'
	$(BIN)/coverage report --include 'exporter/simulator/*'

benchmarks: $(VENV)/.dev ## Run every benchmark at a size that measures nothing
	@$(BIN)/python -m pytest -n $(WORKERS) tests/benchmarks $(ARGS)

mutants: $(VENV)/.dev ## Change alert rules and see whether their tests notice: a sample; all: make mutants ARGS=
	$(BIN)/python scripts/mutate_alerts.py $(ARGS)

check: $(VENV)/.dev ## Lint, formatting, types, spelling, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(SOURCES)
	$(BIN)/codespell --dictionary - --dictionary scripts/words.txt --skip '*.lock,./build,./dist,scripts/words.txt'
	$(BIN)/python -m exporter docs --check
	$(BIN)/python dashboards/generate.py --check
	$(BIN)/python helm/generate.py --check
	$(BIN)/hadolint Dockerfile

audit: $(VENV)/.dev ## Look up known vulnerabilities of the locked packages
	@$(BIN)/python scripts/audit.py

soak: $(VENV)/.dev ## Mix faults at random for minutes; options: make soak ARGS="--minutes 30 --seed 7"
	@$(BIN)/python scripts/soak.py $(ARGS)

types: $(VENV)/.dev ## Check the types alone
	$(BIN)/mypy --strict $(SOURCES)

format: $(VENV)/.dev ## Fix what lint can fix and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

calls: $(VENV)/.dev ## Count API calls with the simulator, of collectors not counted yet; all: make calls ARGS=--all
	$(BIN)/python scripts/count_calls.py $(ARGS)

docs: $(VENV)/.run ## Write the generated documents and the chart's generated files again
	$(BIN)/python scripts/count_calls.py
	$(BIN)/python -m exporter docs
	$(BIN)/python helm/generate.py

build: $(VENV)/.dev ## Build the package: dist/*.whl and dist/*.tar.gz
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist

lock: ## Write both lock files again; newer versions: make lock ARGS=--upgrade
	@set -e; \
	if ! command -v uv >/dev/null; then \
		folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
		$(PYTHON) -m venv "$$folder"; \
		"$$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
		PATH="$$folder/bin:$$PATH"; \
	fi; \
	set -x; \
	$(COMPILE) $(ARGS) -o requirements.lock >/dev/null; \
	$(COMPILE) $(ARGS) --group dev -c requirements.lock -o requirements-dev.lock >/dev/null

clean: ## Remove the virtual environment, caches and build results
	rm -rf $(VENV) .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find exporter tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# venv writes pip last: where pip is, the environment is whole.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'ghe-exporter needs Python 3.11 or newer: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo '$(PYTHON) comes without venv or pip (Debian and Ubuntu: apt install python3-venv)' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(BIN)/pip
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/pip $(VENV)/.run
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
