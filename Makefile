# `make demo` and `make test` do all set-up themselves. PYTHON chooses the interpreter (3.10 to 3.13).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.labelcue-installed
ARGS ?=
TORCH := $(shell sed -n 's/^torch==\([^ ;+]*\).*/\1/p' requirements.lock | head -n 1)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test test-quick pictures soak check format lock clean

help:  ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP)  ## Make .venv with everything locked, and .venv/bin/labelcue

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else \
	  f"LabelCue needs Python 3.10 to 3.13, and $(PYTHON) is {v[0]}.{v[1]}. Choose another: make setup PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing LabelCue into $(VENV) (a few minutes the first time) ..."
	@if [ "$$(uname)" = Linux ] && ! $(BIN)/pip install -q "torch==$(TORCH)+cpu" 2>$(VENV)/torch.log; then \
	  echo "pip finds no CPU build of torch $(TORCH) and takes the default one, which is several GB larger."; \
	  echo "To avoid that, make PyTorch's CPU wheels known to pip and run this again with an empty $(VENV)."; fi
	@sed 's/^\(torch==[^ ;+]*\)+cpu/\1/' requirements.lock > $(VENV)/requirements.txt
	@$(BIN)/pip install -q -r $(VENV)/requirements.txt 2>$(VENV)/pip.log || { cat $(VENV)/pip.log >&2; exit 1; }
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e . 2>$(VENV)/pip.log || { cat $(VENV)/pip.log >&2; exit 1; }
	@touch $@

demo: setup  ## Label real mails in a real Label Studio; ARGS="--simulate 150 --exit" lets simulated annotators work
	@$(BIN)/labelcue demo $(ARGS)

test: setup  ## Every test, the slow and the end-to-end ones too
	@$(BIN)/python -m pytest $(ARGS)

test-quick: setup  ## The tests that take seconds
	@$(BIN)/python -m pytest -m "not slow and not e2e" $(ARGS)

soak: setup  ## Prove every promise in its long form, with a table; goes on where it was interrupted. ARGS="--only kills"
	@PYTHONPATH=tests $(BIN)/python -m soak $(ARGS)

pictures: setup  ## Make the pictures of the admins' pages in backend/docs/pages anew, of a real run
	@$(BIN)/python -m pytest -q tests/e2e/pictures_of_pages.py

check: setup  ## Style, types, the rooms' borders, no code from data, dependencies and their bill (.venv/sbom.cdx.json)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache
	@PYTHONPATH=tests $(BIN)/python -m gates $(VENV)/sbom.cdx.json

format: setup  ## Let ruff mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: setup  ## Choose the newest allowed versions again
	@$(BIN)/pip install -q uv
	@printf 'torch==2.13.0\n' > $(VENV)/constraints.txt
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.10 --upgrade -q \
	  -c $(VENV)/constraints.txt --no-header --no-emit-index-url --no-emit-find-links --no-annotate -o $(VENV)/lock.txt
	@{ echo "# Every version that demo and tests use; made by: make lock. torch on Linux is the CPU build."; \
	  grep -vE '^(nvidia-|cuda-|triton)' $(VENV)/lock.txt \
	  | sed -E "s/^torch==([0-9.]+).*/torch==\1+cpu ; sys_platform == 'linux'\ntorch==\1 ; sys_platform != 'linux'/"; } > requirements.lock

clean:  ## Forget both virtual environments and the demo's data
	rm -rf $(VENV) .venv-labelstudio .labelcue
