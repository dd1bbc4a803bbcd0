# `make` alone says what there is. Every target sets itself up first; all set-up lives in .venv/.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
STACK ?= dev
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: help
help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(READY): requirements-dev.txt lambda/requirements/image.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.13")'
	@echo "Setting up $(VENV) (once) ..."
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: setup
setup: $(READY) ## set up .venv (every other target does it by itself)

.PHONY: test
test: $(READY) ## all tests, with the reason for each that was skipped
	@$(RUN) -m pytest -rs

.PHONY: check
check: $(READY) ## formatter, linter, type checker
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy

.PHONY: format
format: $(READY) ## rewrite the code as `make check` wants it
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

# The values go through the environment, not through the shell's eyes: names may hold spaces and apostrophes.
.PHONY: card
card: export CARD_LABELS = $(value LABELS)
card: export CARD_FILE = $(value FILE)
card: $(READY) ## draw a moderation card: LABELS="Weapons:95,Alcohol Use:60" FILE=card.jpg [HIDDEN_IN=white]
	@$(RUN) -m local.rekognition.card $(if $(HIDDEN_IN),--hidden-in=$(HIDDEN_IN)) -- "$$CARD_LABELS" "$$CARD_FILE"
