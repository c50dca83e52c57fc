# The thin front of CMake's presets and the scripts. `make run` and `make test` do all their own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: run build test test-crash test-s3 test-tokenizers-long parity bench check docs web dist setup-build setup-test setup-s3 setup-bench clean
JOBS ?= $(shell nproc)

setup-build setup-test setup-s3 setup-bench: setup-%:
	@scripts/setup $*

build/build.ninja: CMakeLists.txt CMakePresets.json
	cmake --preset build

web: setup-build
	@scripts/web

## The program at build/bin/hearth.
build: setup-build web build/build.ninja
	cmake --build build -j $(JOBS)

## The main job: a hub with a real model, in the foreground. DATA=... chooses the folder, PORT=... the port.
run: build
	@scripts/run

## Every test: C++, the originals' numbers, the real clients, the browser.
test: setup-test check build
	@scripts/test

## kill -9 at 1,000 points, and ten times as many power cuts and failures of the disk, for a night; `make test` takes 100.
test-crash: setup-test build
	@HEARTH_CRASHES=1000 TEST=pytest scripts/test tests/clients/test_crash.py tests/clients/test_disk.py
	@HEARTH_CRASHES=1000 scripts/test_postgres build/tests/test_hub --test-case='upgrade: *killed*'

## What touches stored objects, on OpenStack's object store (Debian) through its S3 interface; `make test` asks moto.
test-s3: setup-s3 build
	@HEARTH_ROOT=$$PWD scripts/test_s3 swift build/tests/test_store --test-case='blobs*'
	@TEST=pytest scripts/test_s3 swift scripts/test tests/clients/test_s3.py tests/clients/test_fronts.py

## 100 MB of random Unicode through random tokenizers, and 20 MB of unseen text through each of some 25 vocabularies, for
## a night; `make test` takes a tenth and a twentieth of one.
test-tokenizers-long: setup-test build
	@HEARTH_TOKENIZER_FUZZ_MB=100 TEST=pytest scripts/test tests/oracle/test_tokenizer_parts.py -k long
	@HEARTH_TOKENIZER_TEXT_MB=20 TEST=pytest scripts/test tests/oracle/test_tokenizer_texts.py

## Every text family and head beside transformers. SEED=n, VARIANT=default|heldout, ONLY=family or family.head.
parity: setup-test build
	@SEED=$(SEED) VARIANT=$(VARIANT) ONLY=$(ONLY) scripts/parity

## A table beside the peers; ONLY=row runs one row.
bench: setup-bench build
	@.deps/python/bin/python scripts/bench $(ONLY)

## An archive and a Debian package in build/dist; EXTRA=1 adds those of libtorch and Arrow.
dist: build
	@scripts/dist $(if $(EXTRA),--extra)

## Format, include directions, file sizes; clang-tidy on the files changed since HEAD.
check: setup-test
	@scripts/check
	@scripts/lint

## Copies the last full bench result to docs/benchmarks.md.
docs:
	@scripts/docs

clean:
	rm -rf build build-python
