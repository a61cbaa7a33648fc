# Plain targets over the go command. `make` alone lists them.
GO      ?= go
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## the static binary, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/plimsoll ./cmd/plimsoll

.PHONY: test
test: ## every test, quick whole
	$(GO) test ./...

.PHONY: race
race: ## every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: e2e
e2e: ## end to end against a real registry process (needs docker-registry)
	PLIMSOLL_TEST_REGISTRY=required $(GO) test -count=1 -run 'TestEndToEnd' ./cmd/plimsoll

.PHONY: conformance
conformance: ## drive a server with the vendor's own client (downloads it: 50 MB, 250 MB unpacked)
	cd conformance && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: lint
lint: ## go vet and golangci-lint
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (default 20s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-20s} -fuzzminimizetime=1x $$pkg; \
	  done; done

.PHONY: soak
soak: ## kill the server at SOAK (default 20) seeds' moments, then each fuzz target for FUZZTIME
	@set -e; for seed in $$(seq 1 $${SOAK:-20}); do \
	  PLIMSOLL_TEST_SEED=$$seed $(GO) test -count=1 -run '^TestKilledServerLosesNothing$$' ./cmd/plimsoll; \
	done
	@$(MAKE) --no-print-directory fuzz

.PHONY: bench
bench: ## list queries, layer pass, matching; prints medians per operation
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-list
bench-list: ## p50 and p99 of the image list over PLIMSOLL_BENCH_IMAGES (default 10000) images
	$(GO) test -run '^$$' -bench '^BenchmarkList$$' -benchtime 300x ./api

.PHONY: bench-lists
bench-lists: ## pages of lists over 1,000 and 100,000 images, and of 200 and 20,000 vulnerabilities, with the ratio of their times
	$(GO) test -run '^$$' -bench '^Benchmark(Lists|VulnerabilityList)$$' -benchtime 20x -timeout 30m ./store/sqlite

ARCHIVE ?= bench-images/layers.tar bench-images/single.tar
.PHONY: bench-scan
bench-scan: $(filter bench-images/%,$(ARCHIVE)) ## whole scans of ARCHIVE (default: composed images) against bare decompression, in turn
	$(GO) run ./bench/scan -runs $${RUNS:-5} $(ARCHIVE)

.PHONY: bench-hostile
bench-hostile: ## scans of images that are made to exhaust: how each ends, with its peak memory
	$(GO) run ./bench/hostile

bench-images/%.tar: # needs root, debootstrap and npm; makes both
	$(GO) run ./bench/compose -dir bench-images

.PHONY: bench-content
bench-content: ## MB/s on one core of the literal filter and the rule engine over files of this machine, beside SHA-256
	$(GO) run ./bench/content $(if $(RULES),-rules $(RULES))

.PHONY: bench-delta
bench-delta: ## an import that changes advisories until 100,000 images are current (SCALE=0.1: a tenth)
	$(GO) run ./bench/delta -scale $${SCALE:-1}

.PHONY: bench-import
bench-import: ## import COPIES (default 10) times the OSV dumps in DUMPS, beside sign-ins and tasks
	$(GO) run ./bench/import $${DUMPS:-../shared/data/osv} $${COPIES:-10}

.PHONY: demo
demo: ## serve sample images on 127.0.0.1:8080
	$(GO) run ./cmd/plimsoll serve --demo
