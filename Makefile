# make demo    mine a sample collection, from nothing to negatives
# make test    the whole test suite      make unit   without the slow tests
# make cluster more tests with real Ray processes: nodes, workers and drivers that die; ten minutes
# make lint    ruff and mypy

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Linux wheels of torch bring gigabytes of CUDA, unless they come from here.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: setup demo test unit cluster lint clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@if [ "$$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null; then \
	  echo "No GPU found: installing torch for CPUs"; \
	  $(BIN)/pip install --quiet --no-deps --retries 1 -c constraints.txt --extra-index-url $(TORCH_CPU_INDEX) torch; \
	fi
	$(BIN)/pip install --quiet -c constraints.txt -e ".[offline,onnx,datasets,dev]"
	@touch $@

demo: setup
	@rm -rf demo
	$(BIN)/foolsgold sample demo/python-docs
	$(BIN)/foolsgold mine --collection demo/python-docs --model offline --out demo/mined

test: setup
	$(BIN)/pytest -n auto -m "not slow and not cluster"
	$(BIN)/pytest -n 2 --dist loadfile -m slow

unit: setup
	$(BIN)/pytest -n auto -m "not slow and not cluster"

cluster: setup
	$(BIN)/pytest -m cluster

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo dist
