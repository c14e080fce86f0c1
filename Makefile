# "make" lists what there is to make.

SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL: # the steps use both cores themselves

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_FILES = $(shell find auth cmd hub rooms store web -name '*.go' -not -path '*/node_modules/*')
STEPS    := install check-fmt vet lint compose web-check web-dist unit e2e

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := .tools/bin/golangci-lint-$(GOLANGCI_VERSION)

##@ Use it

.PHONY: run
run: ## Run everything on this machine, with two demo casinos (ARGS=--reset starts over)
	@.ci/install.sh --try postgresql
	@$(MAKE) --no-print-directory build
	@exec ./bin/pitboss dev $(ARGS)

.PHONY: cluster
cluster: ## The same with three nodes, Redis between them and a proxy before them (ARGS="--nodes 5")
	@.ci/install.sh --try postgresql redis
	@$(MAKE) --no-print-directory build
	@exec ./bin/pitboss cluster $(ARGS)

.PHONY: build
build: ## Build bin/pitboss
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/pitboss ./cmd/pitboss

##@ Test it

.PHONY: test
test: ## Install what is missing, then run every check and test
	@for step in $(STEPS); do \
		printf '\n== %02d:%02d  %s\n' $$((SECONDS / 60)) $$((SECONDS % 60)) "$$step"; \
		$(MAKE) --no-print-directory "$$step"; \
	done

.PHONY: install
install: ## Install what the tests need: system packages, golangci-lint, npm packages
	@.ci/install.sh gcc curl postgresql postgresql-newest pgbouncer redis chromium compose
	@$(MAKE) --no-print-directory $(GOLANGCI) web/ui/node_modules/.installed docs/node_modules/.installed

.PHONY: check-fmt
check-fmt:
	@wrong=$$(gofmt -l $(GO_FILES)); [[ -z $$wrong ]] || { echo "not formatted (make fmt): $$wrong"; exit 1; }

.PHONY: vet
vet: ## go vet, and what the walls between tenants ask of the code (cmd/pitbossvet)
	go vet ./...
	cd cmd/bench && go vet ./...
	cd cmd/pitbossvet && go vet ./... && go build -o ../../bin/pitbossvet .
	go vet -vettool=bin/pitbossvet ./...

.PHONY: lint
lint: $(GOLANGCI) ## Lint, the arrows between packages included
	$(GOLANGCI) run ./...

.PHONY: compose
compose: ## Check docker-compose.yml, if there is a docker-compose to do it
	@.ci/check-compose.sh

.PHONY: unit
unit: ## Go tests, with the race detector, on real PostgreSQL
	go test -race -timeout 30m ./...
	cd cmd/bench && go test -race ./...
	cd cmd/pitbossvet && go test -race ./...

.PHONY: web-check
web-check: web/ui/node_modules/.installed ## Types and unit tests of the pages and the SDK
	npm --prefix web/ui run check
	npm --prefix web/ui run test

.PHONY: web-dist
web-dist: web/ui/node_modules/.installed ## Check that web/ui/dist is what its sources build
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	npm --prefix web/ui run --silent build -- "$$fresh"; \
	node .ci/compare-dist.mjs web/ui/dist "$$fresh" || { echo "web/ui/dist is not what its sources build: make web, and commit it"; exit 1; }

.PHONY: e2e
e2e: build web/ui/node_modules/.installed docs/node_modules/.installed ## Browser tests, in the system's Chromium
	export CHROMIUM=$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome)}; \
	PITBOSS_BIN=$(CURDIR)/bin/pitboss npm --prefix web/ui run e2e

.PHONY: bench-page
bench-page: build web/ui/node_modules/.installed ## How fast the player's page is: first bet, frames a second, Lighthouse
	export CHROMIUM=$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome)}; \
	PITBOSS_BIN=$(CURDIR)/bin/pitboss node web/ui/e2e/bench.mjs

.PHONY: bench-console
bench-console: build web/ui/node_modules/.installed ## How fast the console is beside 200 tables and 5,000 bets a second: table and docs/benchmarks/console.json, 3 min
	export CHROMIUM=$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome)}; \
	PITBOSS_BIN=$(CURDIR)/bin/pitboss node web/ui/e2e/bench-console.mjs

.PHONY: churn
churn: SOCKETS := 20000
churn: ## Lose sockets in every way and look at what they leave behind (SOCKETS=20000 in each way)
	go test -count=1 -v -run TestASocketThatIsLostLeavesNothingBehind -timeout 60m ./hub -churn.sockets=$(SOCKETS)

.PHONY: crash
crash: SECONDS := 600
crash: ## Kill the server at every step of a round (SECONDS=600)
	go test -race -count=1 -v -run TestNothingIsLostWhenTheServerIsKilled -timeout $$(( $(SECONDS) + 600 ))s ./cmd/pitboss/e2e -crash.seconds=$(SECONDS)

.PHONY: chaos
chaos: SECONDS := 600
chaos: SEED := 0
chaos: ## Kill, pause, drain and cut three nodes, Redis and PostgreSQL under load (SECONDS=600 SEED=0)
	@.ci/install.sh --try postgresql redis
	go test -race -count=1 -v -run TestNothingIsLostWhateverFails -timeout $$(( $(SECONDS) + 600 ))s ./cmd/pitboss/e2e -chaos.seconds=$(SECONDS) -seed=$(SEED)

.PHONY: rolling
rolling: ROUNDS := 10
rolling: ## Restart three nodes one after the other under load and time how long clients are away (ROUNDS=10)
	@.ci/install.sh --try postgresql redis
	go test -count=1 -v -run TestARollingRestartIsNotNoticed -timeout $$(( $(ROUNDS) * 60 + 120 ))s ./cmd/pitboss/e2e -rolling.rounds=$(ROUNDS)

.PHONY: failover
failover: KILLS := 30
failover: ## Kill the node that owns a table and time until clients see it deal again (KILLS=30)
	@.ci/install.sh --try postgresql redis
	go test -count=1 -v -run TestATableDealsAgainAfterItsNodesDeath -timeout $$(( $(KILLS) * 30 + 120 ))s ./cmd/pitboss/e2e -failover.kills=$(KILLS)

.PHONY: leaks
leaks: QUERIES := 1000000
leaks: SEED := 0
leaks: ## Interleave tenants on one connection, direct and through pgbouncer, and look for foreign rows (QUERIES=1000000 SEED=0)
	@.ci/install.sh --try postgresql pgbouncer
	go test -count=1 -v -run TestNoTenantSeesARowOfAnother -timeout 120m ./store/internal/db -leak.queries=$(QUERIES) -leak.seed=$(SEED)

.PHONY: fuzz
fuzz: T := 30s
fuzz: ## Run each fuzz test for a while (T=30s)
	@.ci/fuzz.sh $(T)

.PHONY: fuzz-api
fuzz-api: REQUESTS := 20000
fuzz-api: SEED := 0
fuzz-api: ## Ask the API for whatever its OpenAPI document allows, and what it does not (REQUESTS=20000 SEED=0)
	go test -count=1 -v -run TestWhateverIsAskedIsAnsweredAsDocumented -timeout 60m ./web -api.requests=$(REQUESTS) -api.seed=$(SEED)

.PHONY: bench
bench: ## Side by side with other servers: table and docs/benchmarks, 28 min (ARGS="-quick -only fanout")
	@.ci/install.sh --try postgresql redis
	@cd cmd/bench && go build -o ../../bin/bench . && exec ../../bin/bench $(ARGS)

.PHONY: bench-tenancy
bench-tenancy: ## What tenants cost to make, migrate, find and keep apart: table and docs/benchmarks/tenancy.json (ARGS="-quick -only Fleet")
	@.ci/install.sh --try postgresql
	@cd cmd/bench && go build -o ../../bin/bench-tenancy ./tenancy && exec ../../bin/bench-tenancy $(ARGS)

.PHONY: bench-go
bench-go: ## Benchmarks of the hot paths' parts; the database waits for the disk
	go test -run '^$$' -bench 'Benchmark([^E]|E[^x])' -benchmem ./hub/... ./rooms/... ./store/... ./cmd/pitboss/load/...

.PHONY: bench-cache
bench-cache: ## What cached answers save: latency and CPU time, on real PostgreSQL and Redis, 1 min
	@.ci/install.sh --try postgresql redis
	go test -count=1 -run '^$$' -bench '^BenchmarkCache$$' -benchtime 2s ./web

.PHONY: bench-exec-modes
bench-exec-modes: ## How pgx sends statements, by number of tenants; docs/benchmarks/exec-modes.md
	go test -run '^$$' -bench ExecModes -benchtime 3000x -timeout 30m ./store/internal/db

.PHONY: bench-api
bench-api: TURNS := 5
bench-api: ## What 2,000 writes/s over HTTP and 10,000 facts/s cost bets: table and JSON, 2 min (TURNS=5)
	go test -count=1 -run '^$$' -bench '^BenchmarkAPI$$' -benchtime 1x -timeout $$(( $(TURNS) * 60 + 120 ))s ./web -args -api.turns=$(TURNS) $(ARGS)

##@ Change it

.PHONY: fmt
fmt: ## Format the Go code
	gofmt -w $(GO_FILES)

.PHONY: web
web: web/ui/node_modules/.installed ## Build the pages into web/ui/dist
	npm --prefix web/ui run build

.PHONY: clean
clean: ## Remove what was built and fetched; databases stay
	rm -rf bin .tools result web/ui/node_modules docs/node_modules

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Built from source by the Go that is here, so that it can read what this Go writes.
$(GOLANGCI):
	@mkdir -p .tools/bin
	GOBIN=$(CURDIR)/.tools/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .tools/bin/golangci-lint $@

%/node_modules/.installed: %/package-lock.json %/package.json
	npm --prefix $* ci --no-audit --no-fund
	@touch $@
