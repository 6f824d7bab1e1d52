# ChangeScribe. `make help` lists the targets; everything made lies in folders that git ignores.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup setup-engine setup-plugin demo test quick check link package bench freeze faults fuzz sbom audit lock first-use screenshots translations train clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: setup-engine setup-plugin ## both environments; on Debian and Ubuntu also the system's packages

setup-engine: .venv/.stamp

setup-plugin: .venv-qgis/.stamp

.venv/.stamp: pyproject.toml .ci/setup resources/engine-requirements.txt
	PYTHON="$(PYTHON)" .ci/setup engine

.venv-qgis/.stamp: pyproject.toml .ci/setup
	.ci/setup plugin

demo: setup-engine ## caption a generated sample, or BEFORE=… AFTER=…, and draw demo/map.png
	$(BIN)/python -m engine.demo --output demo $(if $(BEFORE),--before "$(BEFORE)") $(if $(AFTER),--after "$(AFTER)")

test: setup link ## engine and training tests, then the plugin's in a real QGIS
	.ci/test

quick: setup link ## format, lint, types and the fast tests of both suites: under two minutes on two quiet cores
	.ci/quick

check: setup link ## format, lint, types, security scan, import rules, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=build $(BIN)/mypy --package changescribe.qgis_plugin
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml engine qgis_plugin
	.ci/test

link: ## stage build/changescribe for QGIS; PROFILE=default also links it into that QGIS profile
	@$(PYTHON) .ci/plugin.py link $(if $(PROFILE),--profile "$(PROFILE)")

package: ## dist/changescribe-VERSION.zip for QGIS's plugin manager
	@$(PYTHON) .ci/plugin.py package

bench: setup-engine ## throughput, memory and latency on this machine, beside ResNet-101; writes docs/speed.md, about ten minutes
	$(BIN)/python -m tests.bench.speed

freeze: setup link ## how long the desktop stands still while the engine works: more than 100 ms fails, on a machine that does nothing else
	QT_QPA_PLATFORM=offscreen CHANGESCRIBE_PYTHON="$(CURDIR)/.venv/bin/python" FREEZE_LIMIT_S=0.1 \
		.venv-qgis/bin/python -m pytest -q -s tests/plugin/test_gui_freeze.py

faults: setup link ## 300 faults (kills, full disk, damaged files, …), each survived; writes the table in docs/reliability.md
	$(BIN)/python -m tests.faults --count 300 --report docs/reliability.md

fuzz: setup-engine ## more than 10,000 random requests, geometries and damaged files
	FUZZ_CASES=10000 $(BIN)/python -m pytest -W ignore tests/fuzz

# ENVIRONMENT=… names one that the plugin has made; without it one is made here, as the plugin does.
sbom: setup-engine ## dist/sbom.cdx.json: what the plugin's environment holds, as CycloneDX
	$(if $(ENVIRONMENT),,PYTHON="$(PYTHON)" .ci/setup managed)
	mkdir -p dist
	$(BIN)/cyclonedx-py environment --output-reproducible --of JSON -o dist/sbom.cdx.json $(or $(ENVIRONMENT),build/managed)/bin/python

audit: setup-engine ## known vulnerabilities of what the plugin's environment holds; asks PyPI's advisory service
	$(BIN)/pip-audit --disable-pip --require-hashes --requirement resources/locks/engine.txt

lock: ## resources/locks: the hash of every file that the plugin's environment may hold
	[ -x build/lock/bin/python ] || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet "uv>=0.9"; }
	build/lock/bin/python .ci/lock.py

first-use: setup ## a new user's way in a QGIS with a fresh profile: from the zip to captions on the map, its clicks counted; downloads PyTorch
	$(BIN)/python tests/plugin/first_use.py

screenshots: setup link ## docs/img and the help's pictures, taken of a real QGIS under Xvfb
	/usr/bin/python3 tests/plugin/desktop_run.py "$(CURDIR)/.venv/bin/python"

translations: ## resources/i18n from the plugin's texts; LANGUAGES="fr …" adds some
	@$(PYTHON) .ci/translations.py $(LANGUAGES)

train: setup-engine ## train the default model and export it; DATA=… names the captioned pairs
	$(BIN)/python -m training.scribe.train $(if $(DATA),--data "$(DATA)")
	$(BIN)/python -m training.export runs/scribe-s --bundle $(if $(DATA),--data "$(DATA)")

clean: ## remove everything that make wrote
	rm -rf .venv .venv-qgis .qgis-settings build dist demo .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
