# Everything here works on a fresh machine that has Python 3.11 or newer and make; the rest is installed into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8000
ASL    := workflows/order_processing.asl.json
IMAGE  ?= dofs
SOURCE ?= unknown
SEEDS  ?= 2000
BASE   ?= origin/main
REVISION = $(or $(shell git describe --always --dirty --abbrev=40 --exclude="*" 2>/dev/null),unknown)
VERSION  = $(shell sed -nE 's/^__version__ = "(.*)"/\1/p' service/__init__.py)

.DEFAULT_GOAL := help
.PHONY: help run test test-compose test-browser screenshots simulate fuzz check format lint types asl openapi diagram metrics terraform checkov fmt bench image change deploy deploy-settings deploy-image deploy-plan deploy-apply smoke rollback destroy lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: $(VENV)/installed ## Run the whole system in one process: http://127.0.0.1:8000/docs
	$(BIN)/uvicorn service.main:app --port $(PORT) --no-access-log --timeout-graceful-shutdown 1

test: $(VENV)/installed ## Run the tests
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

test-compose: $(VENV)/installed ## Test the image and the system on LocalStack; needs Docker
	$(BIN)/pytest -m docker

test-browser: $(VENV)/installed ## Test the console in a browser; needs Chromium
	$(BIN)/pytest -m browser --numprocesses=auto --dist=loadfile

screenshots: $(VENV)/installed ## Take the pictures of docs/pictures/ anew; needs Chromium
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.dashboard

simulate: $(VENV)/installed ## Run SEEDS=2000 simulated worlds of each profile, and see the invariants hold
	$(BIN)/python -m tests.simulation run --seeds $(SEEDS)

fuzz: $(VENV)/installed ## Send everything that is generated to break it: all of it, where `make test` sends a part
	$(BIN)/pytest tests/hostile --thorough --numprocesses=auto

check: format lint types asl openapi diagram metrics terraform checkov test ## Run everything that CI runs and that needs no Docker

format: $(VENV)/installed
	$(BIN)/ruff format --check .

lint: $(VENV)/installed
	$(BIN)/ruff check .

types: $(VENV)/installed
	$(BIN)/mypy

asl: $(VENV)/installed
	$(BIN)/statelint $(ASL)

openapi: $(VENV)/installed
	$(BIN)/python -m service.api.openapi | diff -u docs/openapi.json - || { echo "docs/openapi.json is stale: make fmt"; exit 1; }

diagram: $(VENV)/installed
	$(BIN)/python -m service.orders.diagram | diff -u docs/lifecycle.md - || { echo "docs/lifecycle.md is stale: make fmt"; exit 1; }

metrics: $(VENV)/installed
	$(BIN)/python -m service.orders.metric | diff -u docs/metrics.md - || { echo "docs/metrics.md is stale: make fmt"; exit 1; }

terraform:
	@command -v terraform >/dev/null || { echo "make check needs Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install"; exit 1; }
	terraform fmt -check -recursive terraform
	for root in terraform terraform/bootstrap; do \
	  terraform -chdir=$$root init -backend=false -input=false >/dev/null && terraform -chdir=$$root validate && terraform -chdir=$$root test || exit 1; \
	done

checkov: .venv-checkov/installed
	.venv-checkov/bin/checkov --directory terraform --framework terraform --quiet --compact --skip-download --skip-path tests

fmt: $(VENV)/installed ## Format the code and write the generated documents anew
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/python -m service.api.openapi > docs/openapi.json
	$(BIN)/python -m service.orders.diagram > docs/lifecycle.md
	$(BIN)/python -m service.orders.metric > docs/metrics.md
	@! command -v terraform >/dev/null || terraform fmt -recursive terraform

bench: $(VENV)/installed ## Measure how fast it is, each figure beside a floor; ONLY="starts warm", RECORD=1
	$(BIN)/python -m tests.benchmarks $(ONLY) $(if $(RECORD),--record)

image: ## Build the container image; PLATFORM=linux/arm64 builds it for Graviton
	docker build $(if $(PLATFORM),--platform $(PLATFORM)) --provenance=false --sbom=false --tag $(IMAGE) \
	  --build-arg SOURCE="$(SOURCE)" --build-arg REVISION="$(REVISION)" --build-arg VERSION="$(VERSION)" .

change: $(VENV)/installed ## Plan what this checkout changes where BASE=origin/main is deployed; needs Docker
	@base=$$(mktemp -d) && trap 'git worktree remove --force "$$base"' EXIT && \
	  git worktree add --quiet --detach "$$base" "$(BASE)" && $(BIN)/python -m tests.terraform.change "$$base"

deploy: $(VENV)/installed ## Build, push, plan, ask, apply, and send one order; ARGS=--help shows the options
	@terraform/deploy $(ARGS)

deploy-settings: ## Pipelines: write terraform.tfvars and backend.conf from environment variables
	@terraform/settings $(ARGS)

deploy-image: ## Pipelines: build and push the commit's image, print its URI by digest
	@terraform/deploy image $(ARGS)

deploy-plan: ## Pipelines: plan it, and keep the plan beside the state
	@terraform/deploy plan $(ARGS)

deploy-apply: $(VENV)/installed ## Pipelines: apply the kept plan; when an order does not get through, roll back
	@terraform/deploy apply $(ARGS)

smoke: $(VENV)/installed ## Send one real order through what is deployed
	@terraform/deploy smoke $(ARGS)

rollback: ## Point the alias at the version before, or at another: ARGS="--version 6"
	@terraform/deploy rollback $(ARGS)

destroy: ## Destroy what is deployed; asks
	@terraform/deploy destroy $(ARGS)

lock: $(VENV)/installed ## Refresh the hash-pinned requirements files
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --extra server -o requirements/image.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --extra local --extra cli --extra dev -c requirements/image.txt -o requirements/dev.txt pyproject.toml
	echo checkov | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade -o requirements/checkov.txt -

clean: ## Remove what was installed and cached
	rm -rf $(VENV) .venv-checkov terraform/.terraform terraform/bootstrap/.terraform .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/installed: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "DOFS needs Python 3.11 or newer; name one with: make PYTHON=python3.13 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-checkov/installed: requirements/checkov.txt
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/checkov.txt
	@touch $@
