# make book and make test are all that a fresh clone needs; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
PROFILE := quick
DATASET := synthetic
# Chapters executed, and browsers that look at the book, at a time.
JOBS := 2
# Cores for each of these chapters. Where each takes all of them, they wait for each other: 08 and 09 on two cores took a
# sixth longer.
THREADS := $(shell cores=$$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN); echo $$((cores > $(JOBS) ? cores / $(JOBS) : 1)))
# Unit tests at a time. Some wait, for a disk or another process: three keep two cores busy. In the end they hold
# 11 GB together, for graphs that TensorFlow has run are not taken apart.
WORKERS := 3
# The commit that `make changed` compares with.
SINCE := HEAD

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest
REPORT := --junitxml _build/reports
LIBRARY := $(shell find facelib experiments -name '*.py' -o -name '*.npz' -o -name '*.json' -o -name '*.csv' -o -name '*.zip' 2>/dev/null)
# What runs on JAX too.
JAX := accordion.py adversarial.py attributes.py augment.py classifier.py conditional.py cyclegan.py dcgan.py directions.py family.py features.py guard.py jax.py latent_encoder.py models.py projection.py training.py vae.py
CHAPTERS := $(wildcard chapters/[0-9]*.ipynb)
# The first chapters are the shortest: executed last, they let two processes end together.
EXECUTED := $(shell printf '%s\n' $(CHAPTERS:chapters/%=_build/executed/%) | sort -r)
PAGES := _config.yml _toc.yml $(shell find book -type f 2>/dev/null) tools/book.py tools/cards.py tools/faults.py tools/live.py tools/scripts.py $(wildcard tests/faults/plant.py tests/faults/faults.toml)

export TF_CPP_MIN_LOG_LEVEL := 3
export KERAS_BACKEND := tensorflow
# Where this is set, each process compiles the sources of TensorFlow and Keras again: 16 s of 22 for an import.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help env book serve test test-colab unit chapters compared pages changed calm faults pin lab refresh lint fuzz lock bench clean FORCE

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  settings: PROFILE=$(PROFILE) (quick, colab, full)  DATASET=$(DATASET) (synthetic, portraits)  JOBS=$(JOBS)  WORKERS=$(WORKERS)  PYTHON=$(PYTHON)"

env: $(READY)  ## the environment in .venv, as requirements.lock says

book: $(READY)  ## execute every chapter, build the book into _build/html
	@$(MAKE) -j $(JOBS) $(EXECUTED)
	@$(MAKE) _build/html/index.html
	@echo "The book is ready: open _build/html/index.html in a browser (make serve for the latent explorer)."

serve: book  ## show the book at http://127.0.0.1:8000, as the latent explorer needs it
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

# While pages are built, notebooks are compared.
test: lint unit  ## all tests: unit, chapters, book
	@$(MAKE) -j $(JOBS) $(EXECUTED)
	@$(MAKE) -j $(JOBS) compared _build/html/index.html
	@$(MAKE) pages
	@$(BIN)/python tools/times.py

changed: $(READY)  ## tests and chapters that need what changed (since HEAD, or SINCE=main)
	$(BIN)/python tools/changed.py $(SINCE)

# Each of the processes computes on one core, with oneDNN if it can, and keeps for the next test what one frees; all but
# the largest blocks, which some tests look for. A planted fault is looked for in the same way.
unit faults: export OMP_NUM_THREADS := 1
unit faults: export TF_NUM_INTRAOP_THREADS := 1
unit faults: export TF_NUM_INTEROP_THREADS := 1
unit faults: export NPROC := 1
unit faults: export TF_ENABLE_ONEDNN_OPTS ?= 1
unit faults: export MALLOC_MMAP_THRESHOLD_ ?= 33554432
unit faults: export MALLOC_TRIM_THRESHOLD_ ?= 17179869184
unit faults: export MALLOC_TOP_PAD_ ?= 134217728
# JAX's tests run once or twice what XLA compiles: without these emitters that takes less than half the processor time.
unit: export XLA_FLAGS ?= --xla_cpu_use_fusion_emitters=false
# What one process has compiled the others find.
unit: export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/_build/jax
unit: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
unit: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES := -1
unit: $(READY)  ## tests of the library
	$(PYTEST) -n $(WORKERS) --dist worksteal $(REPORT)/unit-tensorflow.xml tests/unit tests/faults facelib --doctest-modules
	KERAS_BACKEND=jax $(PYTEST) -n $(WORKERS) --dist worksteal $(REPORT)/unit-jax.xml $(addprefix tests/unit/test_,$(JAX))

chapters: $(READY)  ## tests of the notebooks
	$(MAKE) -j $(JOBS) $(EXECUTED)
	@$(MAKE) compared

# nbval compares checked cells of the committed notebooks with what papermill's run printed.
compared:
	$(PYTEST) -n $(JOBS) --dist loadscope --nbval-lax -p no:cacheprovider $(REPORT)/chapters.xml tests/chapters $(CHAPTERS)

pages: _build/html/index.html  ## tests of the built book, in a browser
	$(PYTEST) -n $(JOBS) --dist loadfile $(REPORT)/pages.xml tests/book

calm: $(READY)  ## unit tests ten times, chapters three times, counted in _build/calm.csv (hours; goes on where it was)
	$(BIN)/python tools/calm.py

faults: $(READY)  ## plant faults in a copy of facelib, one by one, and see what notices (more than an hour; goes on where it was)
	$(BIN)/python tests/faults/plant.py

# Another version of Python, where there is one: make test-colab PYTHON=python3.12
test-colab: $(READY)  ## all chapters with the package versions of Colab, installed by their own first cell
	$(BIN)/python tools/colab.py --python $(PYTHON)

pin: $(READY)  ## let the chapters' first cells install the library as committed last
	$(BIN)/python tools/pin.py

lint: $(READY)  ## ruff on code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lab: $(READY)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab chapters

refresh: $(READY)  ## execute the chapters and store their outputs in chapters/ (to be committed)
	$(BIN)/python tools/refresh.py $(CHAPTERS)

fuzz: $(READY)  ## read changed files for five minutes; what breaks a reader is kept in tests/fuzz/found
	$(BIN)/python tests/fuzz/run.py --minutes 5

lock: $(READY)  ## renew requirements.lock and environment.yml from pyproject.toml
	$(BIN)/python tools/lock.py

bench: $(READY)  ## throughput, as ratios
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/projection.py
	$(BIN)/python benchmarks/malloc.py

clean:  ## remove what was built (the environment stays)
	rm -rf _build

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 ...")'
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e .
	@touch $@

# Changes when the settings do, so that nothing is taken for another profile's or data set's.
_build/settings: FORCE
	@mkdir -p $(@D)
	@echo "$(PROFILE) $(DATASET)" | cmp -s - $@ || echo "$(PROFILE) $(DATASET)" > $@

# TensorFlow takes oneDNN by itself on some processors only. On others a chapter needs four fifths of the time with it.
_build/executed/%.ipynb: export TF_ENABLE_ONEDNN_OPTS ?= 1
_build/executed/%.ipynb: export OMP_NUM_THREADS ?= $(THREADS)
_build/executed/%.ipynb: export TF_NUM_INTRAOP_THREADS ?= $(THREADS)
_build/executed/%.ipynb: export TF_NUM_INTEROP_THREADS ?= $(THREADS)
# What a chapter frees it keeps for the next step: see facelib/memory.py.
_build/executed/%.ipynb: export MALLOC_MMAP_MAX_ ?= 0
_build/executed/%.ipynb: export MALLOC_TRIM_THRESHOLD_ ?= 17179869184
_build/executed/%.ipynb: export MALLOC_TOP_PAD_ ?= 134217728
_build/executed/%.ipynb: chapters/%.ipynb $(READY) $(LIBRARY) _build/settings
	@mkdir -p $(@D)
	$(BIN)/papermill --cwd chapters --no-progress-bar --log-level WARNING $< $@.partial.ipynb -p profile $(PROFILE) -p dataset $(DATASET)
	@mv $@.partial.ipynb $@

_build/html/index.html: $(EXECUTED) $(PAGES) $(READY)
	$(BIN)/python tools/book.py
