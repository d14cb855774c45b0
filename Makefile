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

# A part of the tests, e.g. PART=2/3; all of them without it.
PART    ?=

.PHONY: help setup setup-test demo serve test check bench bench-build openapi reference ui package install

help:
	@echo "make demo     produce $(STORY) into ./$(LIBRARY)"
	@echo "make serve    open the studio on http://127.0.0.1:8401"
	@echo "make test     everything that can be tested without a GPU"
	@echo "make check    format and lints; make test begins with it"
	@echo "make bench-build what a cold build costs, by crate (BASE=REVISION: and the ratio to that)"
	@echo "make bench    the media rows against ffmpeg, as ratios; ComfyUI, the page, long films, pictures, the scheduler"
	@echo "make openapi  write docs/api/openapi.json and the page's schema after a change of the API"
	@echo "make reference write the tables of docs/config.md after a change of a setting"
	@echo "make ui       build the page after a change in ui/"
	@echo "make package  a Debian package and a tarball in target/package"
	@echo "make install  the program and its systemd service"

setup:
	@scripts/packages $(RUN_PACKAGES)

setup-test:
	@scripts/packages $(RUN_PACKAGES) $(TEST_PACKAGES)

demo: setup
	cargo build --profile quick --locked
	target=$$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'); \
	"$$target/quick/studiod" --data-dir $(DATA) produce $(STORY) --library $(LIBRARY)

serve: setup
	cargo run --profile quick --locked -- --data-dir $(DATA) serve

test: setup-test
	scripts/with-postgres scripts/test $(PART)

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

reference:
	BLESS=1 cargo test --locked -p studiod --test documents the_reference

openapi:
	BLESS=1 cargo test --locked -p studiod --test studio the_contract_is
	cd ui && npm install --no-save --no-audit --no-fund && npm run schema

ui:
	cd ui && npm install --no-save --no-audit --no-fund && npm run build

bench: setup-test
	scripts/bench

bench-build: setup
	scripts/bench-build $(BASE)

package: setup
	@scripts/packages dpkg-dev
	cargo build --release --locked
	scripts/package

install: setup
	cargo build --release --locked
	$(SUDO) scripts/install
