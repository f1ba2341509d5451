# make help lists the targets. You need Go, make, git and a Debian-based system;
# demo, test and bench install the rest with scripts/deps.sh.

GO         ?= go
export GO
GOFUMPT     = mvdan.cc/gofumpt@v0.12.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
CORPUS      = ../shared/corpus/check.py
CASES       = ../shared/cases/check.py
FUZZTIME   ?= 10s
BENCH      ?= .
BENCHCOUNT ?= 1
REPEATS    ?= 3
PREFIX     ?= /usr/local

.DEFAULT_GOAL := help
.PHONY: help demo test check tidy fuzz torture bench bench-rtsp bench-serve bench-watch microbench measure bench-loss build ffmpeg install uninstall dist lambda deps deps-demo deps-bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

demo: deps-demo build ## start a live origin on loopback and grab a picture from each of its streams
	bin/kfgrab demo
	@echo "Your own streams in a browser: bin/kfgrab serve NAME=URL … and http://127.0.0.1:8080/"

test: deps build ## run all tests, and check the corpus and the cases of streams if they are next to the tree
	@if [ -f $(CORPUS) ]; then python3 scripts/corpus.py $(CORPUS) bin/kfgrab; else echo "corpus: 0 streams checked, no $(CORPUS)"; fi
	@if [ -f $(CASES) ]; then printf 'cases: ' && python3 $(CASES) bin/kfgrab; else echo "cases: 0 checked, no $(CASES)"; fi
	@sh scripts/gotest.sh

check: ## check format, vet, staticcheck, go.mod files and the floors of the architecture
	@files=$$($(GO) run $(GOFUMPT) -l .) && if [ -n "$$files" ]; then echo "not formatted with gofumpt:"; echo "$$files"; exit 1; fi
	@sh scripts/each-module.sh $(GO) vet ./...
	@sh scripts/each-module.sh $(GO) run $(STATICCHECK) ./...
	@sh scripts/each-module.sh $(GO) mod tidy -diff
	$(GO) test -count=1 -run '^TestFloors' .

tidy: ## run go mod tidy in every module
	@sh scripts/each-module.sh $(GO) mod tidy

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@sh scripts/fuzz.sh $(FUZZTIME)

torture: deps ## damage 2,000 keyframes at random, and look for torn pictures (half an hour)
	KFGRAB_TORTURE=2000 $(GO) test -count=1 -timeout 3h -run '^TestTorture$$' -v ./picture

bench: deps-bench build ## compare kfgrab with other tools: BENCHMARKS.md and bench/results.md
	$(GO) build -C bench -trimpath -o ../bin/kfgrab-bench ./cmd/kfgrab-bench
	bin/kfgrab-bench -tuning -repeats $(REPEATS) -report BENCHMARKS.md -details bench/results.md -json bench/results.json -chart bench/chart.png

bench-rtsp: deps-bench build ## compare kfgrab with other tools over RTSP (ten minutes)
	$(GO) build -C bench -trimpath -o ../bin/kfgrab-bench ./cmd/kfgrab-bench
	bin/kfgrab-bench rtsp

bench-watch: deps-bench build ## compare kfgrab watch with a loop around ffmpeg, and watch 1000 streams for ten minutes
	$(GO) build -C bench -trimpath -o ../bin/kfgrab-bench ./cmd/kfgrab-bench
	bin/kfgrab-bench watch

bench-serve: deps-bench build ## measure kfgrab serve on loopback (two minutes)
	$(GO) build -C bench -trimpath -o ../bin/kfgrab-bench ./cmd/kfgrab-bench
	bin/kfgrab-bench serve

microbench: ## run the Go benchmarks that match BENCH, BENCHCOUNT times
	@sh scripts/each-module.sh $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) ./...

measure: ## measure CPU time, memory, speed and bytes of one keyframe
	@sh scripts/measure.sh

bench-loss: deps ## take 200 pictures each of four streams over UDP with 5 % loss (15 minutes)
	KFGRAB_LOSSY_GRABS=200 $(GO) test -count=1 -timeout 40m -v -run '^TestLossy$$' ./rtsp | grep -v 'no keyframe within'

build: ## build bin/kfgrab
	$(GO) build -trimpath -o bin/kfgrab ./cmd/kfgrab

ffmpeg: ## build a small ffmpeg next to kfgrab, as bin/kfgrab-ffmpeg
	@echo "building a small ffmpeg, which takes minutes unless this machine has built it before" >&2
	@mkdir -p bin && dir=$$(sh scripts/ffmpeg.sh) && cp "$$dir/ffmpeg" bin/kfgrab-ffmpeg.new && mv bin/kfgrab-ffmpeg.new bin/kfgrab-ffmpeg
	@ls -l bin/kfgrab-ffmpeg

# install builds the decoder if it is not there. With DESTDIR, packages are made.
install: build ## install kfgrab, kfgrab-ffmpeg and man pages below PREFIX (/usr/local)
	@[ -x bin/kfgrab-ffmpeg ] || $(MAKE) --no-print-directory ffmpeg
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 755 bin/kfgrab bin/kfgrab-ffmpeg '$(DESTDIR)$(PREFIX)/bin'
	bin/kfgrab man '$(DESTDIR)$(PREFIX)/share/man/man1'

uninstall: ## remove what install installed
	rm -f '$(DESTDIR)$(PREFIX)/bin/kfgrab' '$(DESTDIR)$(PREFIX)/bin/kfgrab-ffmpeg' '$(DESTDIR)$(PREFIX)/share/man/man1/kfgrab.1' '$(DESTDIR)$(PREFIX)'/share/man/man1/kfgrab-*.1

dist: ## build dist/kfgrab-linux-*: static programs with ffmpeg inside
	@sh scripts/dist.sh

lambda: ## build dist/kfgrab-lambda-*.zip for AWS Lambda
	@sh scripts/lambda.sh

deps: ## install what the demo and the tests need
	@sh scripts/deps.sh test

deps-demo:
	@sh scripts/deps.sh demo

deps-bench:
	@sh scripts/deps.sh bench

clean: ## delete what was built and the demo's pictures
	rm -rf bin dist demo-out
