# Needs Python 3.11 or newer, make and git, and a package index on first use.

PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3,$(shell $(name) -c \
	'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate
INSTALL := pip install --quiet --quiet --disable-pip-version-check --require-hashes

.PHONY: help run test acceptance drills prove mutations lint bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run     set up everything and serve on http://127.0.0.1:8000 (PORT=9000 make run: another port)"
	@echo "make test    set up everything and run the tests, but for the acceptance tests"
	@echo "make acceptance  test the whole: browsers, other MCP clients, deployments, small drills, make prove and make bench"
	@echo "make drills  break workers, Redis and restarts under load, at full size (about two hours)"
	@echo "make prove   start a site and test its six promises before your eyes, in about a minute"
	@echo "make mutations  take out one check after the other, and see its test fail (about five minutes)"
	@echo "make lint    check style, types and migrations"
	@echo "make bench   measure this server beside the SDK's own (ARGUMENTS=--quick make bench: about a minute)"
	@echo "make lock    renew the lock files from pyproject.toml and tests/clients/package.json"
	@echo "make clean   remove the environments, not the data"

.venv/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

.venv/installed: requirements.txt .venv/made
	@echo "Installing what the site needs ..."
	@$(BIN)/$(INSTALL) -r requirements.txt
	@touch $@

.venv/installed-for-tests: tests/requirements.txt .venv/installed
	@echo "Installing what the tests need ..."
	@$(BIN)/$(INSTALL) -r tests/requirements.txt
	@touch $@

# The MCP SDK 1.x, whose client is tested too, cannot share an environment with 2.x.
var/sdk1-venv/installed: tests/sdk1/requirements.txt .venv/made
	@mkdir -p var && $(BIN)/python -m venv var/sdk1-venv
	@var/sdk1-venv/bin/$(INSTALL) -r tests/sdk1/requirements.txt
	@touch $@

# MCP clients of Python frameworks, which need other versions of what the site needs.
var/python-clients/installed: tests/clients/python/requirements.txt .venv/made
	@mkdir -p var && $(BIN)/python -m venv var/python-clients
	@var/python-clients/bin/$(INSTALL) -r tests/clients/python/requirements.txt
	@touch $@

# MCP clients for Node, and the conformance suite. They bring their own Node, and run nothing while they are installed.
var/clients/installed: tests/clients/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing the MCP clients that the tests use ..." && mkdir -p var/clients && \
		cp tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc var/clients && \
		(cd var/clients && npm ci --loglevel=error >/dev/null) && touch $@; \
	else echo "npm is not installed here: the tests of MCP clients for Node are left out."; fi

.env:
	@umask 077 && $(BIN)/python -c 'import secrets; print(f"DEBUG=true\nSECRET_KEY={secrets.token_urlsafe(50)}")' > $@

run: .venv/installed .env
	@exec $(MANAGE) serve --demo

test: .venv/installed-for-tests
	@$(BIN)/python -m tests.run -n 4 --dist loadfile $(ARGUMENTS)

acceptance: .venv/installed-for-tests var/sdk1-venv/installed var/python-clients/installed var/clients/installed
	@$(BIN)/python -m tests.run --acceptance -n 2 --dist loadfile $(ARGUMENTS)

drills: .venv/installed-for-tests
	@DRILLS=full $(BIN)/python -m pytest tests/drills -rP $(ARGUMENTS)

prove: .venv/installed-for-tests
	@$(BIN)/python -m tests.prove $(ARGUMENTS)

mutations: .venv/installed-for-tests
	@$(BIN)/python -m tests.mutations $(ARGUMENTS)

lint: .venv/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	ENV_FILE=/dev/null DEBUG=true $(MANAGE) makemigrations --check --dry-run

bench: .venv/installed-for-tests
	@$(BIN)/python -m tests.bench $(ARGUMENTS)

lock: .venv/installed-for-tests
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) pyproject.toml --group dev --constraint requirements.txt --output-file tests/requirements.txt
	$(COMPILE) tests/sdk1/requirements.in --output-file tests/sdk1/requirements.txt
	$(COMPILE) tests/clients/python/requirements.in --output-file tests/clients/python/requirements.txt
	cd tests/clients && npm install --package-lock-only --loglevel=error

clean:
	rm -rf .venv var/sdk1-venv var/python-clients var/clients .mypy_cache .pytest_cache .ruff_cache .hypothesis
