# cordboard. `make run` starts the demo, `make test` runs every test, `make check` the quick part.

SHELL := /bin/bash
CONFIG ?= config/cordboard.toml

.PHONY: run console types build test test-console test-kill test-crm torture check bench bench-console sim fuzz fmt lint clean install-run install-fuzz install-check install-test install-test-console

run: install-run console build
	@tools/demo-hints $(CONFIG)
	@exec target/release/cordboard serve --config $(CONFIG)

build:
	cargo build --release --locked

# The console, which a build of the server then embeds. Nothing happens where it is up to date.
console:
	@tools/build-console

# The console's types of the API, after the API has changed.
types:
	@tools/install-console
	cargo run --quiet --locked -- openapi >target/openapi.json
	cd web && tools/types/node_modules/.bin/openapi-typescript ../target/openapi.json -o src/api/schema.d.ts

# Everything, ending in the runner's own lines.
test: install-test install-test-console console
	cargo build --locked
	@tools/test-console target/debug/cordboard
	node --test tests/salesforce/facts/*.test.mjs
	tools/fuzz 10
	tools/test-rust

# The console alone: lints, unit tests, and a browser against the real server.
test-console: install-test-console console
	cargo build --locked
	@tools/test-console target/debug/cordboard

# The long form of tests/store.rs: a process that writes call records is killed fifty times on each database.
test-kill: install-check
	STORE_KILLS=50 cargo test --locked --test store -- --nocapture

# The long form of tests/crm_outbox.rs: ten thousand calls, requests that fail, servers that are killed.
test-crm: install-check
	CRM_CALLS=10000 cargo test --locked --test crm_outbox -- --nocapture

# The long form of tests/torture_wire.rs: 200,000 mutations from a seed of their own.
torture: install-test
	MUTATIONS=200000 MUTATIONS_SEED=$${MUTATIONS_SEED:-$$RANDOM} cargo test --locked --test torture_wire -- --nocapture

# Each fuzzer of tests/fuzz for ten minutes; FUZZ_SECONDS for another time.
fuzz: install-fuzz
	tools/fuzz $(or $(FUZZ_SECONDS),600)

# Formatting, lints and the tests that need no telephone: under two minutes on a built tree.
check: install-check lint
	cargo test --locked --lib --test layers --test architecture --test flows

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

fmt:
	cargo fmt

# Figures as ratios and CPU per unit of work; writes target/bench.json.
bench: install-test build
	cargo build --locked --release --example bench
	target/release/examples/bench

# Figures of the console in a browser; writes target/bench-console.json. Nothing fails by time.
bench-console: install-test-console console build
	cd web && CORDBOARD=../target/release/cordboard npx --no-install playwright test -c playwright.measure.config.ts

# The long form of tests/sim.rs: 500 calls with media and 9,500 with signalling only.
sim:
	SIM_CALLS=10000 SIM_MEDIA_CALLS=500 cargo test --locked --release --test sim -- --nocapture

install-run:
	@tools/install espeak-ng baresip sox

install-fuzz:
	@tools/install g++

install-check:
	@tools/install postgresql

install-test:
	@tools/install espeak-ng flite baresip kamailio linphone-cli sip-tester stunnel4 sox chromium python3-numpy python3-venv postgresql openssl g++ iproute2 nftables conntrack
	@tools/install-schemathesis

install-test-console:
	@tools/install chromium sip-tester sox espeak-ng

clean:
	cargo clean
