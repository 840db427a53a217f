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
CHECKS := .venv-checks/bin
UPGRADE ?= --upgrade
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE)
SLOWEST = --durations=10 --durations-min=1
REVISION = $(or $(shell git describe --always --dirty --abbrev=40 --exclude="*" 2>/dev/null),unknown)
VERSION  = $(shell sed -nE 's/^__version__ = "(.*)"/\1/p' service/__init__.py)

.DEFAULT_GOAL := help
.PHONY: help run test test-compose test-browser screenshots simulate fuzz check format lint types asl openapi diagram
.PHONY: metrics terraform licenses security bandit hadolint schemas secrets zizmor checkov audit sbom fmt bench image
.PHONY: change deploy deploy-settings deploy-image deploy-plan deploy-apply smoke rollback destroy lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: $(VENV)/installed ## Run the whole system in one process: http://127.0.0.1:8000/docs
	$(BIN)/uvicorn service.main:app --port $(PORT) --no-access-log --timeout-graceful-shutdown 1

test: $(VENV)/installed ## Run the tests
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(SLOWEST)

test-compose: $(VENV)/installed ## Test the image and the system on LocalStack; needs Docker
	$(BIN)/pytest -m docker $(SLOWEST)

test-browser: $(VENV)/installed ## Test the console in a browser; needs Chromium
	$(BIN)/pytest -m browser --numprocesses=auto --dist=loadfile $(SLOWEST)

screenshots: $(VENV)/installed ## Take the pictures of docs/pictures/ anew; needs Chromium
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.dashboard

simulate: $(VENV)/installed ## Run SEEDS=2000 simulated worlds of each profile, and see the invariants hold
	$(BIN)/python -m tests.simulation run --seeds $(SEEDS)

fuzz: $(VENV)/installed ## Send everything that is generated to break it: all of it, where `make test` sends a part
	$(BIN)/pytest tests/hostile --thorough --numprocesses=auto --dist=loadfile $(SLOWEST)

check: format lint types asl openapi diagram metrics terraform licenses security test ## Run everything that CI runs and that needs no Docker

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

# What is below medium are imports and asserts; ruff's S rules judge these, each exception beside its line.
bandit: .venv-checks/installed
	$(CHECKS)/bandit --quiet --recursive --severity-level medium service tools localstack

# DL3045: the base sets WORKDIR, which hadolint cannot know.
hadolint: .venv-checks/installed
	$(CHECKS)/hadolint --ignore DL3045 Dockerfile

schemas: .venv-checks/installed
	$(CHECKS)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(CHECKS)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(CHECKS)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(CHECKS)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml

# In every tracked file but pictures and locks: a lock's line is a pin or a hash, says a test. It asks no service whether
# what it found is alive. What looks like a secret and is none stands, with its reason, in tests/supply/dummies.py.
secrets: .venv-checks/installed
	@git rev-parse --git-dir >/dev/null # or nothing would be listed, and nothing found
	git ls-files -z -- ':!*.png' ':!requirements/*.txt' | xargs -0 -n 100 -P 2 \
	  $(CHECKS)/detect-secrets-hook --no-verify --filter file://tests/supply/dummies.py::is_dummy

zizmor: .venv-checks/installed
	$(CHECKS)/zizmor --offline --quiet .github

# CKV_DOCKER_2: Lambda runs no HEALTHCHECK; compose has its own.
checkov: .venv-checks/installed
	$(CHECKS)/checkov --directory . --framework terraform dockerfile github_actions --quiet --compact --skip-download \
	  --skip-path '^tests/' --skip-path '^terraform/.*tests/' --skip-check CKV_DOCKER_2

# Not in `make check`, which needs no internet: it asks PyPI what is known against each version. --strict, or a version
# that the service does not know of would be left out, and all would be well.
audit: .venv-checks/installed ## Ask PyPI for known vulnerabilities of what is pinned; needs the internet
	@for lock in image dev checks; do \
	  echo "requirements/$$lock.txt"; \
	  $(CHECKS)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements/$$lock.txt || failed=1; \
	done; \
	[ -z "$$failed" ] || { echo "Something has a known vulnerability, or could not be asked about; see above."; exit 1; }

sbom: $(VENV)/installed ## Write build/sbom.cdx.json, what the image ships as CycloneDX
	REVISION="$(REVISION)" SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH-$$(git log -1 --format=%ct 2>/dev/null)}" $(BIN)/python -m tools.sbom build/sbom.cdx.json

fmt: $(VENV)/installed ## Format the code and write the generated documents anew
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/python -m service.api.openapi > docs/openapi.json
	$(BIN)/python -m service.orders.diagram > docs/lifecycle.md
	$(BIN)/python -m service.orders.metric > docs/metrics.md
	$(BIN)/python -m tools.licenses > docs/licenses.md
	@! command -v terraform >/dev/null || terraform fmt -recursive terraform

bench: $(VENV)/installed ## Measure how fast it is, each figure beside a floor; ONLY="starts warm", RECORD=1
	$(BIN)/python -m tests.benchmarks $(ONLY) $(if $(RECORD),--record)

image: ## Build the container image; PLATFORM=linux/arm64 builds it for Graviton
	docker build $(if $(PLATFORM),--platform $(PLATFORM)) --provenance=false --sbom=false --tag $(IMAGE) \
	  --build-arg SOURCE="$(SOURCE)" --build-arg REVISION="$(REVISION)" --build-arg VERSION="$(VERSION)" .

change: $(VENV)/installed ## Plan what this checkout changes where BASE=origin/main is deployed; needs Docker
	@docker version >/dev/null 2>&1 || { echo "make change needs a Docker engine, and none answers"; exit 1; }
	@base=$$(mktemp -d) && trap 'git worktree remove --force "$$base"' EXIT && \
	  git worktree add --quiet --detach "$$base" "$(BASE)" && $(BIN)/python -m tests.terraform.change "$$base"

deploy: $(VENV)/installed ## Build, push, plan, ask, apply, and send one order; ARGS=--help shows the options
	@bash terraform/scripts/deploy.sh $(ARGS)

deploy-settings: ## Pipelines: write terraform.tfvars and backend.conf from environment variables
	@bash terraform/scripts/write-tfvars.sh $(ARGS)

deploy-image: ## Pipelines: build and push the commit's image, print its URI by digest
	@bash terraform/scripts/deploy.sh image $(ARGS)

deploy-plan: ## Pipelines: plan it, and keep the plan beside the state
	@bash terraform/scripts/deploy.sh plan $(ARGS)

deploy-apply: $(VENV)/installed ## Pipelines: apply the kept plan; when an order does not get through, roll back
	@bash terraform/scripts/deploy.sh apply $(ARGS)

smoke: $(VENV)/installed ## Send one real order through what is deployed
	@bash terraform/scripts/deploy.sh smoke $(ARGS)

rollback: ## Point the alias at the version before, or at another: ARGS="--version 6"
	@bash terraform/scripts/deploy.sh rollback $(ARGS)

destroy: ## Destroy what is deployed; asks
	@bash terraform/scripts/deploy.sh destroy $(ARGS)

lock: $(VENV)/installed ## Refresh the hash-pinned requirements; UPGRADE= keeps the versions that still fit
	$(COMPILE) --extra server -o requirements/image.txt pyproject.toml
	$(COMPILE) --extra local --extra cli --extra dev -c requirements/image.txt -o requirements/dev.txt pyproject.toml
	$(COMPILE) --group checks -o requirements/checks.txt

clean: ## Remove what was installed and cached
	rm -rf $(VENV) .venv-checks build terraform/.terraform terraform/bootstrap/.terraform .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/installed: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "DOFS needs Python 3.11 or newer; name one with: make PYTHON=python3.13 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-checks/installed: requirements/checks.txt
	$(PYTHON) -m venv .venv-checks
	$(CHECKS)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/checks.txt
	@touch $@
