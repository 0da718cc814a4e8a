# `make chat` and `make test` set everything up; nothing needs to be installed by hand but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: chat test check install eval clean browser

chat: install
	$(BIN)/release-assistant ingest
	$(BIN)/release-assistant ui

test: check browser
	$(BIN)/python -m pytest -q -m "slow or browser"
	rm -rf .work/gate
	$(BIN)/release-assistant --store .work/gate/store eval run --split dev --run .work/gate/run
	$(BIN)/release-assistant eval gate .work/gate/run

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not slow and not browser"


# Every case that nothing was trained on, on the release and the invented ones; the run and its report are kept.
eval: install
	$(BIN)/release-assistant --store .work/eval/store eval run --all --jobs 2 --run .work/eval/$$(date -u +%Y%m%d-%H%M%S)

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	touch $(STAMP)

# The browser tests drive Debian's Chromium; where it cannot be had they say that they are skipped.
browser:
	@command -v chromium >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-core >/dev/null; } || echo "no chromium: the browser tests are skipped"

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
