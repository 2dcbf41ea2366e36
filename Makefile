# Weirwatch. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEER := .venv-drain3
PEER_STAMP := $(PEER)/.installed
SERIES_PEER := .venv-series
SERIES_PEER_STAMP := $(SERIES_PEER)/.installed
RUN := .run
CODE := jobs operators models benchmarks tests

# Arguments for some targets: make test ARGS="-k folding", make services-up ARGS="--kafka-port 9092".
ARGS ?=

# `make_environment DIR`: a virtual environment made with the first Python 3.11 found; one that works is kept.
define make_environment
	export PIP_DISABLE_PIP_VERSION_CHECK=1
	right='import sys; sys.exit(sys.version_info[:2] != (3, 11))'
	if ! $(1)/bin/python -c "$$right" 2>/dev/null; then
	    for candidate in $${PYTHON:-} python3.11 python3 python; do
	        if "$$candidate" -c "$$right" 2>/dev/null; then found=$$candidate; break; fi
	    done
	    if [ -z "$${found:-}" ]; then
	        echo "error: Python 3.11 is needed and was not found; install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2
	        exit 1
	    fi
	    "$$found" -m venv --clear $(1) || {
	        echo "error: $$found cannot make a virtual environment; install its venv module (Debian: apt-get install python3.11-venv)" >&2
	        exit 1
	    }
	fi
endef

.PHONY: help
help:  ## Show this list
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort -s -k1,1 \
	    | awk -F '\t' '{ printf "  make %-15s %s\n", $$1, $$2 }'

.PHONY: install
install: $(STAMP)  ## Make .venv with the weirwatch command and all it needs

$(STAMP): pyproject.toml | java
	@$(call make_environment,$(VENV))
	echo "Installing Weirwatch into $(VENV) (the first time takes a few minutes) ..."
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
	echo "Installed: $(BIN)/weirwatch"

.PHONY: java
java:
	@java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java
	if ! command -v "$$java" >/dev/null; then
	    echo "error: Flink needs Java 17 or newer and '$$java' was not found; install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME" >&2
	    exit 1
	fi
	version=$$("$$java" -XshowSettings:properties -version 2>&1 | sed -nE 's/^ *java\.specification\.version = (1\.)?([0-9]+).*/\2/p')
	if [ "$${version:-0}" -lt 17 ]; then
	    echo "error: Flink needs Java 17 or newer; '$$java' is version $${version:-unknown}. Set JAVA_HOME to a newer one" >&2
	    exit 1
	fi

# The report is tested in a real browser.
.PHONY: browser
browser:
	@have() { command -v chromedriver >/dev/null && { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null; }
	if have; then exit 0; fi
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	    echo "Installing chromium and chromium-driver ..."
	    apt-get update -qq
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
	fi
	if ! have; then
	    echo "error: the report's tests need a headless browser; install chromium and chromedriver (Debian: sudo apt-get install chromium chromium-driver)" >&2
	    exit 1
	fi

# The services of development and tests are fetched as jars; Elasticsearch's launcher is run from its source.
.PHONY: services-tools
services-tools:
	@have() { command -v mvn && command -v "$${JAVA_HOME:+$$JAVA_HOME/bin/}javac"; } >/dev/null
	if have; then exit 0; fi
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	    echo "Installing maven and a Java development kit ..."
	    apt-get update -qq
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends maven default-jdk-headless >/dev/null
	fi
	if ! have; then
	    echo "error: Kafka and Elasticsearch need Maven and a Java development kit; install them (Debian: sudo apt-get install maven default-jdk-headless); JAVA_HOME, where set, has to name a development kit" >&2
	    exit 1
	fi

.PHONY: demo
demo: $(STAMP)  ## Generate a sample, learn, scan; print what was injected and what was found
	@$(BIN)/weirwatch demo --out $(RUN)/demo $(ARGS)

.PHONY: test
test: $(STAMP) browser services-tools  ## Run the tests, all but those of faults
	@$(BIN)/python -m pytest $(ARGS)

# They want the machine to themselves.
.PHONY: test-faults
test-faults: $(STAMP) services-tools  ## Kill processes of a real cluster under load, and compare what it finds
	@$(BIN)/python -m pytest -m faults $(ARGS)

.PHONY: lint
lint: $(STAMP)  ## Check the style of the code
	@$(BIN)/ruff check .

.PHONY: format
format: $(STAMP)  ## Format the code
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix --select I .

.PHONY: format-check
format-check: $(STAMP)  ## Check that the code is formatted
	@$(BIN)/ruff format --check .

.PHONY: types
types: $(STAMP)  ## Check the types
	@$(BIN)/mypy

.PHONY: bench
bench: $(STAMP) $(PEER_STAMP)  ## Measure speed and accuracy, with peers on the same lines
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-parsing
bench-parsing: $(STAMP) $(PEER_STAMP)  ## Measure accuracy and speed of parsing, beside Drain3
	@$(BIN)/python -m benchmarks.parsing_main $(ARGS)

.PHONY: bench-learn
bench-learn: $(STAMP) $(PEER_STAMP)  ## Measure what learning takes, beside Drain3
	@$(BIN)/python -m benchmarks learn $(ARGS)

.PHONY: bench-open
bench-open: $(STAMP)  ## Measure a million open transactions, and memory over 20 million events
	@$(BIN)/python -m benchmarks.open_transactions $(ARGS)

.PHONY: bench-backends
bench-backends: $(STAMP)  ## Measure open transactions in the heap and in RocksDB
	@$(BIN)/python -m benchmarks.backends $(ARGS)

.PHONY: bench-series
bench-series: $(STAMP) $(SERIES_PEER_STAMP)  ## Measure the scoring of many series, beside river and rrcf
	@$(BIN)/python -m benchmarks series $(ARGS)

.PHONY: bench-live
bench-live: $(STAMP) services-tools  ## Measure the live job with a real Kafka and Elasticsearch
	@$(BIN)/python -m benchmarks.live $(ARGS)

# Drain3 pins versions that clash with Flink's: an environment of its own.
$(PEER_STAMP): benchmarks/peers/requirements-drain3.txt
	@$(call make_environment,$(PEER))
	$(PEER)/bin/python -m pip install --quiet --requirement $<
	touch $@

$(PEER): $(PEER_STAMP)

$(SERIES_PEER_STAMP): benchmarks/peers/requirements-series.txt
	@$(call make_environment,$(SERIES_PEER))
	$(SERIES_PEER)/bin/python -m pip install --quiet --requirement $<
	touch $@

$(SERIES_PEER): $(SERIES_PEER_STAMP)

.PHONY: cluster-up
cluster-up: $(STAMP)  ## Start a Flink session cluster on this machine
	@$(BIN)/python -m jobs.cluster up $(ARGS)

.PHONY: cluster-down
cluster-down:  ## Stop that cluster and remove what it left
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m jobs.cluster down $(ARGS); else echo "No cluster is up."; fi

.PHONY: services-up
services-up: $(STAMP) services-tools  ## Start a real Kafka and Elasticsearch on this machine
	@$(BIN)/python -m tests.services up $(ARGS)

.PHONY: services-down
services-down:  ## Stop them and throw their data away
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tests.services down $(ARGS); else echo "No service is up."; fi

.PHONY: services-status
services-status: $(STAMP)  ## Say which of them are up, and where
	@$(BIN)/python -m tests.services status $(ARGS)

.PHONY: clean
clean: cluster-down services-down  ## Remove environments, caches and what runs have written
	@rm -rf $(VENV) $(PEER) $(SERIES_PEER) $(RUN) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
