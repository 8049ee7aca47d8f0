# One readable list of what can be done. Each target builds .venv when it is missing.
PYTHON ?= python3
BIN := .venv/bin
LOCK := .ci/requirements.lock
# Two for each core: many tests wait for real servers and processes.
WORKERS ?= $(shell expr 2 \* $$(nproc 2>/dev/null || echo 2))
READY := .venv/.ready
AZ_PIN := .ci/azure-cli.txt
AZ_READY := .venv-az/.ready
OAV_PIN := .ci/oav.txt
OAV_READY := .contract/.ready

.PHONY: venv demo servers peers test test-az contract lint types bench soak sim docs lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

venv: $(READY) ## build .venv from the lock

$(READY): pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-virtualenv "$$(grep -oE '^uv==[0-9.]+' $(LOCK))"
	$(BIN)/uv pip install -q --require-hashes -r $(LOCK)
	$(BIN)/uv pip install -q --no-build-isolation --no-deps -e .
	@touch $(READY)

demo: $(READY) ## the main job, end to end, on the embedded Azure
	$(BIN)/sfcert demo

# Real servers, and a browser, that tests start on loopback. Without root the tests that need them say so and skip.
servers:
	@sh tests/servers/install.sh

# What the bench is compared with beside lego: certbot from PyPI in a venv of its own.
peers: $(READY)
	@sh tests/servers/install.sh peers

test: $(READY) servers ## all tests that need no subscription
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -rs

test-az: $(READY) $(AZ_READY) ## drive the embedded Azure with the vendor's az (half a gigabyte, a minute to install)
	SFCERT_TEST_AZ="$(CURDIR)/.venv-az/bin/az" $(BIN)/pytest -n auto --dist worksteal -m az

# az pins nearly all of its dependencies itself, so that its version is the pin.
$(AZ_READY): $(AZ_PIN) $(READY)
	$(PYTHON) -m venv .venv-az
	$(BIN)/uv pip install -q --python .venv-az/bin/python -r $(AZ_PIN)
	@touch $(AZ_READY)

contract: $(READY) $(OAV_READY) ## judge traffic by the vendor's API definitions: SPECS=a checkout, else old ones (needs node and npm)
	$(BIN)/python -m tests.contract.judged $(if $(SPECS),--specs "$(SPECS)") --modules .contract/node_modules

$(OAV_READY): $(OAV_PIN)
	npm install --silent --no-audit --no-fund --prefix .contract $$(cat $(OAV_PIN))
	@touch $(OAV_READY)

lint: $(READY) ## style, format and the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY) ## the strict type checker
	$(BIN)/mypy

soak: $(READY) ## hundreds of seeded runs: every fault alone and in pairs, enrolments, the proof against the simulator
	$(BIN)/python -m tests.soak_unkind 300
	$(BIN)/python -m tests.soak 200
	$(BIN)/python -m tests.soak_enrolments 400
	$(BIN)/python -m tests.soak captures 400
	SFCERT_TEST_SEARCH=20 $(BIN)/pytest -n auto -m hypothesis

bench: $(READY) servers peers ## figures, printed; nothing is asserted by time
	$(BIN)/python -m tests.bench

sim: $(READY) ## the embedded Azure in the foreground
	$(BIN)/sfcert sim up --foreground

docs: $(READY) ## rewrite the generated reference pages and check every link
	$(BIN)/python -m tests.docs_build

lock: $(READY) ## resolve the dependencies anew
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --group dev pyproject.toml -o $(LOCK)

clean: ## remove what make has built
	rm -rf .venv .venv-az .venv-certbot .servers .contract .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
