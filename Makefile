# One door for people and CI. Every target is complete on a machine that has Python, make and a package index.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lint types slow bundled readme gallery clean

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) torch
	$(INSTALL) --editable .
	@touch $@

.venv/ready: .venv/installed
	$(INSTALL) --editable '.[lab,cluster,devices,czi,dev]'
	@touch $@

setup: .venv/ready ## make .venv with everything for development, the virtual laboratory included

demo: .venv/installed ## install, run the main job on simulated micrographs, say where the report is
	$(BIN)/ratescope demo --out ratescope-demo
	@echo "open $(CURDIR)/ratescope-demo/report.html"

test: .venv/ready ## all quick tests, doctests and documentation examples, on all cores
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical

slow: .venv/ready ## the tests that take minutes: full simulations and trainings
	$(BIN)/pytest -m slow

format: .venv/ready ## rewrite the files in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: .venv/ready ## format and lint, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/ready ## mypy --strict on src
	$(BIN)/mypy

check: lint types test ## everything that CI asks for

bundled: .venv/ready ## make the bundled ensemble and micrographs anew (an hour and a half on two cores with AVX-512; goes on where it stopped)
	$(BIN)/python docs/studies/make_bundled.py

readme: .venv/ready ## make the pictures of the README anew
	$(BIN)/python docs/gallery/readme_picture.py

PICTURES := $(patsubst %.py,%.png,$(filter-out docs/gallery/readme_picture.py,$(wildcard docs/gallery/*.py)))
gallery: .venv/ready ## draw the pictures of docs/gallery anew
	for picture in $(PICTURES); do $(BIN)/python $${picture%.png}.py $$picture || exit 1; done

clean: ## remove what was built, .venv included
	rm -rf .venv build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis ratescope-demo
