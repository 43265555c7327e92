# `make demo` and `make test` set up what they need; everything else here is for work on the engine.
# ISOLATION=none runs automations without the jail, with your own rights: only where bubblewrap cannot work.

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test soak bench lint format record build clean

BIN := .venv/bin
ISOLATION ?=
export ISOLATION
# Without .pyc files every test process would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=
# Playwright's blocking API and a running event loop exclude each other, so the tests with that run by themselves, beside
# the others.
BLOCKING_TESTS := tests/browser/fixtures_sites tests/browser/reports

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Tests wait for browsers now and then: four at once keep two cores busy.
WORKERS ?= 4

setup: ## Prepare .venv, a browser, git and bubblewrap; quick when all is there
	@.ci/setup

demo: setup ## Show the story on a local site: explore, replay, redesign, repair (ISOLATION=none: without the jail)
	@$(BIN)/webtasks demo $(if $(ISOLATION),--isolation $(ISOLATION))

quick: setup ## Run the tests that need no browser, jail or process, in half a minute
	@$(BIN)/pytest -q tests/unit -m "not git and not soak" -n 3 --dist worksteal -p no:playwright -p no:base_url

test: setup ## Run the tests
	@status=0; shown=$$(mktemp); \
	$(BIN)/pytest -q $(BLOCKING_TESTS) > $$shown 2>&1 & blocking=$$!; trap "kill $$blocking" INT TERM; \
	$(BIN)/pytest -q tests $(addprefix --ignore ,$(BLOCKING_TESTS)) -m "not soak" -n $(WORKERS) --dist worksteal || status=$$?; \
	wait $$blocking || status=$$?; cat $$shown; rm $$shown; \
	exit $$status

soak: setup ## Run the long loops
	@$(BIN)/pytest -q tests $(addprefix --ignore ,$(BLOCKING_TESTS)) -m soak

bench: setup ## Run every benchmark, each against its goal
	@$(BIN)/python -m compileall -q engine sandbox; status=0; \
	for file in tests/benchmarks/bench_*.py tests/benchmarks/drift.py tests/benchmarks/meaning.py; do \
		$(BIN)/python -m tests.benchmarks.$$(basename $$file .py) || status=$$?; \
	done; \
	exit $$status

lint: setup ## Check style and types
	@status=0; \
	$(BIN)/ruff check . || status=$$?; \
	$(BIN)/ruff format --check . || status=$$?; \
	$(BIN)/mypy || status=$$?; \
	exit $$status

format: setup ## Rewrite the files in the house style
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

record: setup ## Record a model's work on one fixture site: make record SITE=directory
	@test -n "$(SITE)" || { echo "Name the site: make record SITE=directory" >&2; exit 2; }
	@$(BIN)/python -m tests.record $(SITE)

build: setup ## Build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## Remove caches and builds; .venv stays
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find engine sandbox fixtures_sites tests -name __pycache__ -type d -prune -exec rm -rf {} +
