# The commands of daily work; `make help` lists them.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: demo bench bench-models chaos simulate test build format lint clean-data dependencies test-dependencies help

HEXLOOP := .build/release/hexloop
HEXLOOP_DATA ?= .hexloop
SOURCES := Package.swift Sources services Tests

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Build and run the loop on this machine, from data to a replaced model.
	@$(HEXLOOP) demo

# Suites that compute for long; those that wait for sockets and processes run after them, for on two cores they would wait
# for a thread until their time is over.
COMPUTING := ^(Decay|HVX|HexagonCode|Inference|Kernels|ModelCommand|ModelContainer|ModelGraph|ModelImport|NEON|Quantization|Training)Tests\.

test: dependencies test-dependencies ## Build and run all tests.
	@echo "Building the tests; the first build takes several minutes."
	@swift build --build-tests
	@timeout 30m swift test --skip-build --disable-xctest --filter '$(COMPUTING)'
	@timeout 30m swift test --skip-build --disable-xctest --skip '$(COMPUTING)'

bench: build ## Measure the bus beside its peers and write the table into docs/benchmarks.md; takes ten minutes.
	@python3 Benchmarks/bus.py --markdown docs/benchmarks.md

bench-models: build ## Measure the inference engine beside LiteRT, ONNX Runtime and OpenVINO, with KEPT=<directory of real models>; takes six minutes.
	@scripts/benchmark-dependencies.sh
	@.build-venv-bench/bin/python Benchmarks/models.py --markdown docs/model-benchmarks.md $(if $(KEPT),--kept $(KEPT))

simulate: build ## Run the bus under virtual time with faults from 20000 seeds.
	@$(HEXLOOP) simulate --seeds 20000

chaos: build ## Hurt real processes for six minutes and write the result into docs/reliability.md.
	@$(HEXLOOP) chaos --minutes 6 --report docs/reliability.md

build: dependencies ## Build all programs for release into .build/release.
	@echo "Building for release; the first build takes several minutes."
	@swift build -c release --static-swift-stdlib

format: ## Format all sources in place.
	@swift format --in-place --recursive $(SOURCES)

lint: ## Check the format of all sources.
	@swift format lint --strict --recursive $(SOURCES)

clean-data: ## Remove the data of local runs (HEXLOOP_DATA, default .hexloop).
	@test -n "$(HEXLOOP_DATA)" && test "$(HEXLOOP_DATA)" != "/"
	@rm -rf -- "$(HEXLOOP_DATA)"
	@echo "Removed $(HEXLOOP_DATA)"

dependencies:
	@scripts/dependencies.sh

test-dependencies:
	@scripts/test-dependencies.sh
