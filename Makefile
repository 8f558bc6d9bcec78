# Every command a person types. `make help` lists them.

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
UV := uv
COPIES := lab

.DEFAULT_GOAL := help
.PHONY: help book test lab bench serve pdf epub slides archive claims twice clean lint lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(INSTALLED)  ## execute the chapters and build the site into _build/html; make book CHAPTER=ntk builds one alone
	@$(PY) -m tools.build $(if $(CHAPTER),--chapter $(CHAPTER))

test: $(INSTALLED)  ## every test that CI runs
	@$(PY) -m pytest

lab: $(INSTALLED)  ## JupyterLab on your own copies of the chapters, in lab/; make lab TEXT=1 on their text, for authors
	@$(if $(TEXT),,$(PY) -m tools.notebooks "$(COPIES)")
	@env "$$($(PY) -m tools.compiling)" JUPYTER_CONFIG_PATH="$(CURDIR)/tools/lab" $(PY) -m jupyterlab \
	  $(if $(TEXT),,--LabApp.default_url=/lab/tree/Contents.ipynb) $(LAB) $(if $(TEXT),chapters,"$(COPIES)")

bench: $(INSTALLED)  ## time and memory against peers, recorded in benchmarks/results: make bench ONLY=kernels
	@$(PY) benchmarks/compare.py $(ONLY)

serve: $(INSTALLED)  ## the built site on http://127.0.0.1:8000; make serve PORT=8001 takes another port
	@$(PY) -m tools.serve $(PORT)

pdf: $(INSTALLED)  ## the whole book as _build/book.pdf, from the built site (needs Chromium: apt-get install chromium)
	@$(PY) -m tools.pdf

epub: $(INSTALLED)  ## the whole book as _build/book.epub, from the built site
	@$(PY) -m tools.epub

slides: $(INSTALLED)  ## a deck of each chapter in _build/slides, from the built site (needs npm); make slides CHAPTER=ntk
	@$(PY) -m tools.slides $(CHAPTER)

archive: $(INSTALLED)  ## the built site as _build/book.zip, to be read without a network
	@$(PY) -m tools.pack

claims: $(INSTALLED)  ## what moved since another build: make claims WITH=path-or-address
	@test -n "$(WITH)" || { echo "Name the other ledger: make claims WITH=path-or-address (claims.json, or the site)." >&2; exit 1; }
	@$(PY) -m tools.compare_claims "$(WITH)"

twice: $(INSTALLED)  ## record which chapters make test has seen show the same twice: CI then executes them once
	@$(PY) -m tools.twice

lint: $(INSTALLED)  ## the linters and the type checker
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/codespell

lock:  ## update requirements.txt from requirements.in (needs uv)
	@command -v $(UV) >/dev/null || { echo "uv is missing: pip install uv, or see its documentation." >&2; exit 1; }
	@$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	  --excludes excludes.txt --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  -o requirements.txt requirements.in
	@echo "requirements.txt is new: run 'make test' and 'make book', and read what moved."

clean:  ## remove the environment and everything that was built
	@rm -rf $(VENV) _build appendix/library .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made once, and again when the lock or the library's metadata change.
$(INSTALLED): requirements.txt pyproject.toml
	@PYTHON="$(PYTHON)" sh tools/environment.sh $(VENV)
	@touch $@
