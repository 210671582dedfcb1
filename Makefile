# Two commands set up everything on a fresh machine with Python 3.10+: `make demo` and `make test`.
# `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# An environment is rebuilt when one of these changes.
LOCK := pyproject.toml constraints.txt

.DEFAULT_GOAL := help

# Tests start many programs: each would compile everything it imports anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.demo: $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "spanledger needs Python 3.10 or newer; set PYTHON=/path/to/python3")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	touch $@

demo: $(VENV)/.demo ## run the demo: agents, collector, cost per trace and per agent
	$(BIN)/spanledger demo

up: $(VENV)/.demo ## start the collector on the embedded ledger
	$(BIN)/spanledger up

lint: $(VENV)/.dev ## style, types and architecture contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --verbose
	$(BIN)/pyright

# Some tests wait more than they compute: half as many workers again as processors, at most 4.
WORKERS := $(shell n=$$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )); echo $$(( n > 4 ? 4 : n < 1 ? 1 : n )))

# Where the tests of the pages keep a picture of each, in light, dark and narrow.
SPANLEDGER_TEST_PICTURES ?= $(CURDIR)/build/pictures
export SPANLEDGER_TEST_PICTURES

test: lint ## lint, then the tests; those that take more than a few seconds each with `make test CI=1` only
	$(BIN)/python -m tests.support.environments
	$(BIN)/python -m tests.support.javascript
	$(BIN)/python -m tests.support.browser
	$(BIN)/python -m tests.support.prometheus
	$(BIN)/python -m tests.support.compose
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(if $(CI),,-m "not slow")
	@test ! -d $(SPANLEDGER_TEST_PICTURES) || echo "pictures of the pages: $(SPANLEDGER_TEST_PICTURES)"

oldest: $(VENV)/.dev ## every contract test on the oldest supported version of each client and framework
	SPANLEDGER_TESTS_OLDEST="every row" $(BIN)/pytest -s tests/environments/test_oldest.py

bench: $(VENV)/.dev ## print the figures: added time per call, of other instrumentations and of budgets, memory, spans per second, cost by trace id
	$(BIN)/python -m benchmarks.run

bench-peers: $(VENV)/.dev ## print added time per call side by side with other instrumentations
	$(BIN)/python -m benchmarks.peers.run

soak: $(VENV)/.dev ## 20 minutes of load: memory flat, sent = acknowledged = stored
	$(BIN)/python -m benchmarks.soak --minutes 20

fuzz: $(VENV)/.dev ## an hour of harmed input to the receivers: no crash, memory flat
	$(BIN)/python -m benchmarks.fuzz --minutes 60

# Asks the package index for the known faults of what is pinned: newer than those of the list below.
audit: ## known vulnerabilities of the pinned dependencies (needs the network)
	test -x .audit/bin/pip-audit || $(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.7"
	.audit/bin/pip-audit --strict --disable-pip --no-deps -r constraints.txt

# The list that `make test` holds the pins against, without a network.
advisories: $(VENV)/.dev ## bring the kept list of known vulnerabilities up to date (needs the network)
	rm -rf .audit/database
	git clone --quiet --depth 1 https://github.com/pypa/advisory-database .audit/database
	$(BIN)/python -m tests.support.advisories .audit/database \
	  "$$(git -C .audit/database log -1 --format='%H of %cs')"

conformance: $(VENV)/.dev ## ask other cost calculators for the hand-checked bills and write docs/cost-conformance.md
	$(BIN)/python -m benchmarks.conformance

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

prices: $(VENV)/.dev ## rebuild the shipped price book from its sources, and the SDK's rate card from it
	$(BIN)/python -m spanledger_collector.price.build
	$(BIN)/python -m spanledger_collector.price.rate_card

constraints: $(VENV)/.demo ## resolve the exact versions anew: what is pinned stays, what is new gets a pin
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate \
	  --extra demo --group dev --no-emit-package spanledger pyproject.toml -o constraints.txt
	sed -i '1i # Exact versions of everything `make demo` and `make test` install, for Python 3.10 and newer.\n# Ranges and reasons stand in pyproject.toml; `make constraints` writes this file.' constraints.txt

bench-pins: $(VENV)/.demo ## resolve the exact versions of the other instrumentations and calculators that are measured
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	for wanted in benchmarks/*/pins/*.in; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate \
	    $$wanted -o $${wanted%.in}.txt || exit; \
	done

# A layered environment names only what differs from constraints.txt, which it is resolved from;
# what torch needs for GPUs is left out: the tests run models on the CPU.
test-pins: $(VENV)/.demo ## resolve the exact versions of what the tests run beside and in older versions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	for wanted in tests/environments/*.in; do \
	  pins=$${wanted%.in}.txt; cp constraints.txt $$pins; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate \
	    $$wanted -o $$pins || exit; \
	  grep -vxFf constraints.txt $$pins | grep -vE '^(nvidia|cuda)-|^triton' > $$pins.differing; \
	  mv $$pins.differing $$pins; \
	done
	for wanted in tests/environments/judges/*.in; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.12 --no-header --no-annotate \
	    $$wanted -o $${wanted%.in}.txt || exit; \
	done

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) .audit .bench-peers .pytest_cache .ruff_cache .hypothesis dist build .spanledger

.PHONY: help demo up lint test soak fuzz audit advisories oldest bench bench-peers bench-pins test-pins conformance format prices constraints clean
