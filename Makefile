# Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8000
ASL    := workflows/order_processing.asl.json
IMAGE  ?= dofs
SOURCE ?= unknown
SEEDS  ?= 2000
BASE   ?= origin/main
CHECKS := .venv-checks/bin
UPGRADE ?= --upgrade
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE)
SLOWEST = --durations=10 --durations-min=1
# One process more than cores: some tests wait.
PROCESSES = --numprocesses=$$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist=loadfile
REVISION = $(or $(shell git describe --always --dirty --abbrev=40 --exclude="*" 2>/dev/null),unknown)
VERSION  = $(shell sed -nE 's/^__version__ = "(.*)"/\1/p' service/__init__.py)

# Of `make run`: WAREHOUSE=http WAREHOUSE_ARGS="--lost 0.3".
EMBEDDED_WAREHOUSE = $(if $(WAREHOUSE),DOFS_EMBEDDED_WAREHOUSE="$(WAREHOUSE)") $(if $(WAREHOUSE_ARGS),DOFS_EMBEDDED_WAREHOUSE_ARGS="$(WAREHOUSE_ARGS)")

.DEFAULT_GOAL := help
.PHONY: help run warehouse test test-compose test-compose-1 test-compose-2 test-browser screenshots simulate fuzz check format lint
.PHONY: types asl openapi diagram metrics terraform licenses security bandit hadolint schemas secrets zizmor checkov
.PHONY: audit sbom fmt bench image change deploy deploy-settings deploy-image deploy-plan deploy-apply smoke rollback destroy lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: $(VENV)/installed ## Run the whole system in one process: http://127.0.0.1:8000/docs; WAREHOUSE=http adds a warehouse over HTTP
	$(EMBEDDED_WAREHOUSE) $(BIN)/uvicorn service.main:app --port $(PORT) --no-access-log --timeout-graceful-shutdown 1 --timeout-keep-alive 75

warehouse: $(VENV)/installed ## Run the simulated warehouse as a server of its own; ARGS="--lost 0.3" are options, ARGS=--help lists them
	$(BIN)/python -m service.warehouses.server $(ARGS)

test: $(VENV)/installed ## Run the tests
	$(BIN)/pytest $(PROCESSES) --no-loadscope-reorder $(SLOWEST)

# `make test-compose --jobs=2 --output-sync` runs both halves at once. They mostly wait.
test-compose: test-compose-1 test-compose-2 ## Test the image and the system on LocalStack; needs Docker

test-compose-1: $(VENV)/installed
	$(BIN)/pytest -m docker tests/compose tests/flow --ignore=tests/compose/test_faults.py $(SLOWEST)

test-compose-2: $(VENV)/installed
	$(BIN)/pytest -m docker tests/terraform tests/pipelines tests/compose/test_faults.py $(SLOWEST)

test-browser: $(VENV)/installed ## Test the console in a browser; needs Chromium
	$(BIN)/pytest -m browser --numprocesses=auto --dist=loadfile $(SLOWEST)

screenshots: $(VENV)/installed ## Regenerate docs/pictures/; needs Chromium
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.dashboard

simulate: $(VENV)/installed ## Check the invariants in SEEDS=2000 simulated worlds of each profile, and in every interleaving
	$(BIN)/python -m tests.simulation run --seeds $(SEEDS)
	$(BIN)/python -m tests.exploration.explore

fuzz: $(VENV)/installed ## Run all generated requests, events, faults and files; `make test` runs a part
	$(BIN)/pytest tests/hostile tests/faults tests/cli/test_submit_file.py --thorough $(PROCESSES) $(SLOWEST)

check: format lint types asl openapi diagram metrics terraform licenses security test ## Run every check of CI that needs no Docker

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

licenses: $(VENV)/installed
	@page=$$($(BIN)/python -m tools.licenses) || exit 1; \
	echo "$$page" | diff -u docs/licenses.md - || { echo "docs/licenses.md is stale: make fmt"; exit 1; }

security: bandit hadolint schemas secrets zizmor checkov

# Findings below medium are about imports and asserts. ruff's S rules check these, and each exception stands beside its line.
bandit: .venv-checks/installed
	$(CHECKS)/bandit --quiet --recursive --severity-level medium service tools localstack

# DL3045 wants WORKDIR to be set; the base image sets it.
hadolint: .venv-checks/installed
	$(CHECKS)/hadolint --ignore DL3045 Dockerfile

schemas: .venv-checks/installed
	$(CHECKS)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(CHECKS)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(CHECKS)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(CHECKS)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml

# Searches every tracked file except pictures and lock files; a test checks that lock files hold only pins and hashes.
# --no-verify: no service is asked whether a found secret is valid. tests/supply/dummies.py lists false positives.
secrets: .venv-checks/installed
	@git rev-parse --git-dir >/dev/null # outside a repository no file would be searched
	git ls-files -z -- ':!*.png' ':!requirements/*.txt' | xargs -0 -n 100 -P 2 \
	  $(CHECKS)/detect-secrets-hook --no-verify --filter file://tests/supply/dummies.py::is_dummy

zizmor: .venv-checks/installed
	$(CHECKS)/zizmor --offline --quiet .github

# CKV_DOCKER_2 wants a HEALTHCHECK: Lambda ignores it, and docker-compose.yml has one.
checkov: .venv-checks/installed
	$(CHECKS)/checkov --directory . --framework terraform dockerfile github_actions --quiet --compact --skip-download \
	  --skip-path '^tests/' --skip-path '^terraform/.*tests/' --skip-check CKV_DOCKER_2

# Not part of `make check`, because it asks PyPI for advisories. --strict: a version that PyPI does not know is an error.
audit: .venv-checks/installed ## Look up known vulnerabilities of the pinned packages; needs the internet
	@for lock in image dev checks; do \
	  echo "requirements/$$lock.txt"; \
	  $(CHECKS)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements/$$lock.txt || failed=1; \
	done; \
	[ -z "$$failed" ] || { echo "A package has a known vulnerability, or could not be looked up; see above."; exit 1; }

sbom: $(VENV)/installed ## Write the image's bill of materials (CycloneDX) to build/sbom.cdx.json
	REVISION="$(REVISION)" SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH-$$(git log -1 --format=%ct 2>/dev/null)}" $(BIN)/python -m tools.sbom build/sbom.cdx.json

fmt: $(VENV)/installed ## Format the code and regenerate the generated documents
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/python -m service.api.openapi > docs/openapi.json
	$(BIN)/python -m service.orders.diagram > docs/lifecycle.md
	$(BIN)/python -m service.orders.metric > docs/metrics.md
	$(BIN)/python -m tools.licenses > docs/licenses.md
	@! command -v terraform >/dev/null || terraform fmt -recursive terraform

bench: $(VENV)/installed ## Run the benchmarks; ONLY="starts warm" selects, RECORD=1 records
	$(BIN)/python -m tests.benchmarks $(ONLY) $(if $(RECORD),--record)

image: ## Build the container image; PLATFORM=linux/arm64 builds it for Graviton
	docker build $(if $(PLATFORM),--platform $(PLATFORM)) --provenance=false --sbom=false --tag $(IMAGE) \
	  --build-arg SOURCE="$(SOURCE)" --build-arg REVISION="$(REVISION)" --build-arg VERSION="$(VERSION)" .

change: $(VENV)/installed ## Plan the changes of this checkout to a deployment of BASE=origin/main; needs Docker
	@docker version >/dev/null 2>&1 || { echo "make change needs Docker, and no Docker engine is running"; exit 1; }
	@base=$$(mktemp -d) && trap 'git worktree remove --force "$$base"' EXIT && \
	  git worktree add --quiet --detach "$$base" "$(BASE)" && $(BIN)/python -m tests.terraform.change "$$base"

deploy: $(VENV)/installed ## Deploy the commit to AWS and test it with an order; ARGS=--help lists options
	@bash terraform/scripts/deploy.sh $(ARGS)

deploy-settings: ## Pipelines: write terraform.tfvars and backend.conf from environment variables
	@bash terraform/scripts/write-tfvars.sh $(ARGS)

deploy-image: ## Pipelines: build and push the commit's image, and print its URI
	@bash terraform/scripts/deploy.sh image $(ARGS)

deploy-plan: ## Pipelines: plan the deployment, and store the plan beside the state
	@bash terraform/scripts/deploy.sh plan $(ARGS)

deploy-apply: $(VENV)/installed ## Pipelines: apply the stored plan, and roll back if the smoke test fails
	@bash terraform/scripts/deploy.sh apply $(ARGS)

smoke: $(VENV)/installed ## Test the deployment with one order
	@bash terraform/scripts/deploy.sh smoke $(ARGS)

rollback: ## Point the alias at the previous version, or another: ARGS="--version 6"
	@bash terraform/scripts/deploy.sh rollback $(ARGS)

destroy: ## Destroy the deployment, after a question
	@bash terraform/scripts/deploy.sh destroy $(ARGS)

lock: $(VENV)/installed ## Update the lock files; UPGRADE= keeps versions that still satisfy pyproject.toml
	$(COMPILE) --extra server -o requirements/image.txt pyproject.toml
	$(COMPILE) --extra local --extra cli --extra dev -c requirements/image.txt -o requirements/dev.txt pyproject.toml
	$(COMPILE) --group checks -o requirements/checks.txt

clean: ## Remove installed and cached files
	rm -rf $(VENV) .venv-checks build terraform/.terraform terraform/bootstrap/.terraform .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/installed: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "DOFS needs Python 3.11 or newer; select one with: make PYTHON=python3.13 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-checks/installed: requirements/checks.txt
	$(PYTHON) -m venv .venv-checks
	$(CHECKS)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/checks.txt
	@touch $@
