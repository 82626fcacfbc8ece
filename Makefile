# The two commands that matter are `make run` and `make test`.

VERSION := $(shell node -p "require('./jsglue/package.json').version")
GO_FILES := $(shell find wasm -name '*.go' -not -name '*_test.go') go.mod go.sum
TS_FILES := $(shell find jsglue/src -type f) jsglue/build.mjs jsglue/package.json jsglue/tsconfig.json
MODULES := jsglue/node_modules/.package-lock.json
REFERENCE_MODULES := jsglue/reference/node_modules/.package-lock.json
DIST := jsglue/dist/index.js
SITE := site/dist/index.html
SITE_FILES := $(shell find site -type f -not -path 'site/dist/*' -not -path 'site/node_modules/*' -not -path 'site/gateway/*')
SITE_MODULES := site/node_modules/.package-lock.json
BUNDLERS := jsglue/test/bundlers/node_modules/.package-lock.json

# The same bytes from the same sources, whatever the machine and the folder.
WASM_FLAGS := -trimpath -buildvcs=false -ldflags='-s -w -buildid= -X main.version=$(VERSION)'

# What a page loads is what counts: without inlining in these packages, which no
# message passes through, the file is 10 KB smaller after brotli, and with the older
# garbage collector, where the toolchain still has it, another 10 KB. Everywhere
# it would save 28 KB more, and cost each message a quarter of its time.
WASM_FLAGS += $(foreach p,fmt internal/strconv strconv,-gcflags='$(p)=-l')
# What a page never runs stays out: HTTP/2 by a tag, TLS and more by an overlay that
# wasm/hollow makes of the toolchain's own files, which is 380 KB.
WASM_TAGS := nethttpomithttp2
HOLLOW := jsglue/dist/.hollow
WASM_HOLLOW := -tags=$(WASM_TAGS) -overlay=$(HOLLOW)/overlay.json
WASM_FLAGS += $(WASM_HOLLOW)
OVERLAY := go run ./wasm/hollow overlay -tags=$(WASM_TAGS) $(HOLLOW)
WASM_GO := GOROOT=$(CURDIR)/$(HOLLOW)/goroot GOTOOLCHAIN=local GOOS=js GOARCH=wasm $(CURDIR)/$(HOLLOW)/goroot/bin/go
WASM_EXPERIMENT := $(shell GOEXPERIMENT=nogreenteagc go env GOEXPERIMENT 2>/dev/null)

# A page's environment is empty, and Go's wasm runtime refuses a large one.
WASM_TEST := env -i PATH="$(PATH)" HOME="$(HOME)" GOFLAGS="$(GOFLAGS)" GOPROXY="$(shell go env GOPROXY)" \
	$(WASM_GO) test -exec="$(shell go env GOROOT)/lib/wasm/go_js_wasm_exec"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run build site size pack release-files verify-reproducible docs api test test-go test-browser test-engines check bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: site ## Build, and serve the console and the local AWS IoT gateway on http://localhost:8080
	go run ./site/gateway -site site/dist -pkg site/dist/pkg $(ARGS)

site: $(SITE) ## Build the site into site/dist: plain files for any static server

build: $(DIST) size ## Build the package into jsglue/dist and print its sizes

$(MODULES): jsglue/package.json jsglue/package-lock.json
	cd jsglue && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(REFERENCE_MODULES): jsglue/reference/package.json jsglue/reference/package-lock.json
	cd jsglue/reference && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

jsglue/dist/iotwasm.wasm: $(GO_FILES) jsglue/package.json
	$(OVERLAY)
	GOEXPERIMENT=$(WASM_EXPERIMENT) $(WASM_GO) build $(WASM_FLAGS) -o $@ ./wasm
	go run ./wasm/hollow check $@
	node -e 'new WebAssembly.Module(require("fs").readFileSync("$@"))'

$(BUNDLERS): jsglue/test/bundlers/package.json jsglue/test/bundlers/package-lock.json
	cd jsglue/test/bundlers && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(DIST): jsglue/dist/iotwasm.wasm $(TS_FILES) $(MODULES)
	cd jsglue && node_modules/.bin/tsc -p . && node build.mjs

$(SITE_MODULES): site/package.json site/package-lock.json
	cd site && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(SITE): $(DIST) $(SITE_FILES) $(SITE_MODULES)
	@node jsglue/size.mjs # leaves the manifest and the compressed files
	node site/build.mjs

size: $(DIST) ## Print the sizes of what a page loads; fail over budget
	@node jsglue/size.mjs

pack: $(DIST) size ## Make the tarball that npm publishes, in jsglue/pack; print its SHA-256
	node jsglue/pack.mjs

release-files: pack ## Put beside the tarball what a release has: the wasm file, its .br, manifest.json, SHA256SUMS
	cd jsglue && cp dist/iotwasm.wasm dist/iotwasm.wasm.br dist/manifest.json pack
	cd jsglue/pack && sha256sum * >SHA256SUMS

verify-reproducible: ## Build the package twice, in different surroundings, and compare
	.ci/verify-reproducible

docs: $(REFERENCE_MODULES) ## Write site/docs/reference from the type declarations
	node jsglue/reference/write.mjs docs

api: $(REFERENCE_MODULES) ## Write jsglue/api, the report of the public face, from the type declarations
	node jsglue/reference/write.mjs api

test: check test-go test-browser test-engines ## Install what the tests need, and run them all

check: $(DIST) $(REFERENCE_MODULES) $(BUNDLERS) $(SITE_MODULES) ## Format, vet, staticcheck and types
	@test -z "$$(gofmt -l wasm site)" || { gofmt -d wasm site; exit 1; }
	go vet ./...
	GOOS=js GOARCH=wasm go vet ./wasm/...
	go tool staticcheck ./...
	staticcheck="$$(go tool -n staticcheck)" && GOOS=js GOARCH=wasm "$$staticcheck" ./wasm/...
	cd jsglue && node_modules/.bin/tsc -p test && node_modules/.bin/tsc -p reference && node_modules/.bin/tsc -p test/bundlers
	cd jsglue && for resolution in bundler nodenext; do \
		node_modules/.bin/tsc -p test/types/tsconfig.$$resolution.json || exit 1; \
		node reference/node_modules/typescript-5.4/bin/tsc -p test/types/tsconfig.$$resolution.json || exit 1; \
	done
	node jsglue/reference/write.mjs docs api --check
	jsglue/node_modules/.bin/tsc -p site
	jsglue/node_modules/.bin/tsc -p site/offline

test-go: ## Go tests: on the host with -race, then under GOOS=js
	.ci/install-browsers-and-broker
	go test -race ./...
	$(OVERLAY)
	$(WASM_TEST) $(WASM_HOLLOW) ./wasm/internal/presign ./wasm/internal/session ./wasm/internal/delay
	$(WASM_TEST) ./wasm/internal/wire # reads its cases with encoding/json

test-browser: $(SITE) $(BUNDLERS) ## Browser tests in Chromium against the gateway and mosquitto
	.ci/install-browsers-and-broker
	cd jsglue && node_modules/.bin/playwright test

test-engines: $(SITE) ## The package and the console in Firefox and WebKit
	.ci/install-browsers-and-broker
	.ci/install-browsers-and-broker engines
	cd jsglue && node_modules/.bin/playwright test -c playwright.engines.config.ts

bench: $(DIST) ## Compare with other clients in one run; prints tables, writes site/docs/performance
	.ci/install-browsers-and-broker
	node jsglue/bench/run.mjs $(ARGS)

clean: ## Remove what was built and installed here
	rm -rf jsglue/dist jsglue/node_modules jsglue/test/bundlers/node_modules jsglue/reference/node_modules jsglue/test-results jsglue/bench/results jsglue/pack site/dist site/node_modules
