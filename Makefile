# Everything a person or CI needs. Needs git, make, a Rust toolchain, and root or sudo for Debian's packages.

SHELL := /bin/bash
SUDO  := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What studiod is built with and runs on.
RUN_PACKAGES := pkg-config gcc libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly \
  gstreamer1.0-libav gstreamer1.0-x espeak-ng fonts-dejavu-core
# What only the tests need: an independent decoder, a database server, a browser.
TEST_PACKAGES := ffmpeg gstreamer1.0-tools postgresql chromium python3

DATA    ?= .studiod
LIBRARY ?= library
STORY   ?= examples/the-last-light.fountain

.PHONY: help setup setup-test demo serve test check bench openapi ui install

help:
	@echo "make demo     produce $(STORY) into ./$(LIBRARY)"
	@echo "make serve    open the studio on http://127.0.0.1:8401"
	@echo "make test     everything that can be tested without a GPU"
	@echo "make check    format and lints"
	@echo "make bench    the media rows against ffmpeg, as ratios; ComfyUI, the page, the scheduler"
	@echo "make openapi  write docs/api/openapi.json and the page's schema after a change of the API"
	@echo "make ui       build the page after a change in ui/"
	@echo "make install  the program and its systemd service"

setup:
	@scripts/packages $(RUN_PACKAGES)

setup-test:
	@scripts/packages $(RUN_PACKAGES) $(TEST_PACKAGES)

demo: setup
	cargo build --release --locked
	target=$$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'); \
	"$$target/release/studiod" --data-dir $(DATA) produce $(STORY) --library $(LIBRARY)

serve: setup
	cargo run --release --locked -- --data-dir $(DATA) serve

test: setup-test
	scripts/with-postgres scripts/test

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

openapi:
	BLESS=1 cargo test --locked -p studiod --test studio the_contract_is
	cd ui && npm install --no-save --no-audit --no-fund && npm run schema

ui:
	cd ui && npm install --no-save --no-audit --no-fund && npm run build

bench: setup-test
	scripts/bench

install: setup
	cargo build --release --locked
	$(SUDO) scripts/install
