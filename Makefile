# Two commands: `make demo` and `make test`. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Flags for `make demo`, as ARGS="--exit --json".
ARGS ?=
# Seconds for each target of `make fuzz`, and which targets; none: all.
FUZZ_SECONDS ?= 30
FUZZ_TARGETS ?=
# What `make simulate` runs: so many seeds from one on, of which engines (none: all).
SEEDS ?= 100
FROM ?= 0
ENGINES ?=
# Profile that the tests build with; its dependencies are optimized.
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

.PHONY: demo
demo: ## build, run four validators, take real invoices through them, serve http://localhost:8080
	@scripts/setup.sh rust node >&2
	@$(MAKE) --no-print-directory web-build >&2
	@echo "demo: building the node (a few minutes the first time)" >&2
	@cargo build --release --quiet --package hanse-node
	@$(TARGET_DIR)/release/hanse demo $(ARGS)

.PHONY: test
test: ## install what the tests need and run them all
	@scripts/setup.sh rust node browser namespaces clocks
	@$(MAKE) --no-print-directory test-contracts test-web test-rust test-end-to-end

.PHONY: test-contracts
test-contracts: contracts/node_modules ## Solidity: artifacts unchanged, unit, fuzz and invariant tests
	cd contracts && npm run --silent check && npm test --silent

.PHONY: test-web
test-web: web-build ## the page: types, dictionaries, bindings, unit tests
	cd web && npm run --silent check && npm run --silent check:abi && npm test --silent

.PHONY: test-rust
test-rust: web-build ## Rust: unit, property and crate tests
	cargo test --workspace --quiet

.PHONY: test-end-to-end
test-end-to-end: web-build contracts/node_modules tests/tools/node_modules ## a real node: the demo, Ethereum tools, the page in a browser
	cargo build --workspace --quiet
	$(TARGET_DIR)/debug/hanse demo --exit --json --http.port 0 --ws.port 0 --web.port 0
	HANSE=$(abspath $(TARGET_DIR))/debug/hanse tests/tools/run

.PHONY: lint
lint: web-build ## formatting and lints; warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

.PHONY: artifacts
artifacts: contracts/node_modules web/node_modules ## recompile the contracts and regenerate what is made from them
	cd contracts && npm run --silent artifacts
	cd web && npm run --silent abi

.PHONY: bench
bench: ## the micro-benchmarks: recovery, execution, roots, commit, pool, requests
	cargo bench --workspace

.PHONY: fuzz
fuzz: ## give every fuzz target FUZZ_SECONDS (30) of hostile bytes
	@scripts/setup.sh rust node cargo-fuzz
	@$(MAKE) --no-print-directory web-build
	@scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

.PHONY: simulate
simulate: web-build ## run SEEDS (100) whole networks of each engine, from one seed each
	@cargo build --quiet --package hanse-simulator
	@$(TARGET_DIR)/debug/simulate --seeds $(SEEDS) --from $(FROM) $(if $(ENGINES),--engine $(ENGINES))

.PHONY: web-build
web-build: web/dist/index.html

web/dist/index.html: web/node_modules $(shell find web/src web/public web/index.html -type f 2>/dev/null)
	@echo "web: building the page" >&2
	@cd web && npm run --silent build >&2

%/node_modules: %/package-lock.json
	@echo "$*: installing packages from the npm registry" >&2
	@cd $* && npm ci --silent --no-audit --no-fund >&2
	@touch $@

.PHONY: clean
clean: ## remove everything that was built
	cargo clean
	rm -rf web/dist web/node_modules contracts/node_modules contracts/out contracts/cache tests/tools/node_modules
