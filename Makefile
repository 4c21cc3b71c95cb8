# Two commands on a machine with nothing but Python 3.11+ and make: `make up` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: up test chaos browser lint check lock clean

.venv/.local: locks/local.txt pyproject.toml
	@echo "· Installing the service into .venv (about a minute the first time) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Companion needs Python 3.11 or newer.")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/local.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.test: locks/test.txt .venv/.local
	@echo "· Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/test.txt
	@touch $@

up: .venv/.local
	@exec $(BIN)/companion up

browser:
	@sh deploy/install-browser.sh

test: .venv/.test browser
	@$(BIN)/companion export-encoder
	$(BIN)/python -m pytest

# 300 conversations while every part is killed, and the figures; part of the tests as well.
chaos: .venv/.test
	@$(BIN)/companion export-encoder
	@$(BIN)/python -m tests.chaos

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

lock: .venv/.test
	sh deploy/lock.sh

clean:
	rm -rf .venv .companion
