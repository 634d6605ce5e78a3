# The two commands of a new user are `make demo` and `make test`; everything they need is set up first.
SCALE ?= 1.0
DEMO ?= demo
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin

# Tests start hundreds of processes: what one of them compiled is kept for the next.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test check soak setup lint lock sbom ui bench clean

demo: setup
	@rm -rf $(DEMO)
	@$(BIN)/cchc sample $(DEMO)/landing --scale $(SCALE)
	@$(BIN)/cchc nightly --landing $(DEMO)/landing --home $(DEMO)/home --as-of 2023-11-16
	@$(BIN)/python -m sample_province.compare $(DEMO)/home

# Before each commit: style, types and the tests that take no night.
check: lint
	@$(BIN)/python -m pytest -n auto -m "not slow" tests/unit tests/manifest

test: setup
	@$(BIN)/ruff check .
	@$(BIN)/python -m pytest -n auto --no-loadscope-reorder

# What takes hours: every kill, generated file, reader, mutant and night that docs/reliability.md speaks of.
soak: setup
	@$(BIN)/python -m pytest --whole tests/faults/test_together.py tests/faults/test_killed.py tests/fuzz tests/property tests/unit/test_rule_results.py
	@$(BIN)/python -m tests.mutation
	@$(BIN)/python -m tests.month

setup: .venv/.ready target/.parsed

.venv/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/uv --version 2>/dev/null | grep -qF 'uv $(UV_VERSION) ' || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirements requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# New homes begin with this parse of the project; a full one takes seconds.
target/.parsed: .venv/.ready dbt_project.yml profiles.yml $(shell find models macros seeds tests/dbt -type f)
	@$(BIN)/python -c 'from orchestration.warehouse import dbt; dbt.parse()'
	@touch $@

lint: setup
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 models tests/dbt

lock: setup
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 \
		--universal --extra sample --group dev --group bench --group semantic --output-file requirements.lock pyproject.toml

# What the lock installs, as a CycloneDX bill of materials.
sbom: setup
	@$(BIN)/python -m tools.sbom requirements.lock > sbom.json

ui: setup
	@$(BIN)/cchc serve --landing $(DEMO)/landing --home $(DEMO)/home

bench: setup
	@$(BIN)/python -m benchmarks --scale $(SCALE)
	@$(BIN)/python -m benchmarks.page

clean:
	@rm -rf .venv .mypy_cache .ruff_cache target $(DEMO) *.egg-info
