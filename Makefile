# `make` alone lists the commands. Every target sets itself up first; the set-up is in .venv/.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
STACK ?= dev
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

$(READY): requirements-dev.txt $(wildcard lambda/requirements/*.txt)
	@sh scripts/setup.sh "$(PYTHON)" "$(VENV)"

.PHONY: setup
setup: $(READY) ## set up .venv (every other target does this by itself)

.PHONY: test
test: $(READY) ## run the tests but for the long ones, and print why any was skipped
	@$(RUN) -m pytest -rs

.PHONY: test-fast
test-fast: $(READY) ## a verdict within a minute: the quick tests of the functions and of the program
	@$(RUN) -m pytest tests/unit tests/components -m "not slow and not long"

.PHONY: test-long
test-long: $(READY) ## run the long tests, of which `make test` runs a share only
	@$(RUN) -m pytest -rs -m long

.PHONY: check
check: $(READY) ## run the formatter, linter, type checker and import contracts
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@PYTHONPATH=lambda $(VENV)/bin/lint-imports --no-logo

# Each tool in an environment of its own: their requirements contradict each other's and the project's.
AUDIT := $(VENV)/audit
AUDIT_TOOLS := bandit zizmor cloudsplaining checkov
$(AUDIT)/%/.ready: scripts/audit/requirements/%.txt | $(READY)
	@rm -rf $(@D) && $(RUN) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --require-hashes -r $< && touch $@

.PHONY: audit
audit: export PYTHONPATH = lambda
audit: $(READY) $(AUDIT_TOOLS:%=$(AUDIT)/%/.ready) ## hold resources, policies, workflows and code against Checkov, cloudsplaining, zizmor and bandit [ONLY=tool]
	@$(RUN) -m scripts.audit $(if $(ONLY),--only=$(ONLY))

.PHONY: format
format: $(READY) ## rewrite the code as `make check` wants it
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

.PHONY: reference
reference: export PYTHONPATH = lambda
reference: $(READY) ## write docs/reference/ from the code
	@$(RUN) -m scripts.reference

# Values are passed through the environment and not expanded by the shell: names may contain spaces and apostrophes.
.PHONY: card
card: export CARD_LABELS = $(value LABELS)
card: export CARD_FILE = $(value FILE)
card: $(READY) ## draw a moderation card: LABELS="Weapons:95,Alcohol Use:60" FILE=card.jpg [HIDDEN_IN=white]
	@$(RUN) -m local.card $(if $(HIDDEN_IN),--hidden-in=$(HIDDEN_IN)) -- "$$CARD_LABELS" "$$CARD_FILE"

.PHONY: package
package: export PACKAGE_STACK = $(value STACK)
package: export PACKAGE_JSON = $(value JSON)
package: $(READY) ## build the zips for AWS that a preview would build [STACK=dev] [JSON=file]
	@$(RUN) -m components.packaging package --stack="$$PACKAGE_STACK" $${PACKAGE_JSON:+--json="$$PACKAGE_JSON"}

.PHONY: release
release: export PYTHONPATH = lambda
release: export RELEASE_TAG = $(value TAG)
release: $(READY) ## build the archives of this commit's version, with bills of materials and checksums [TAG=v1.2.3]
	@$(RUN) -m scripts.release --tag="$$RELEASE_TAG"

.PHONY: bench-packaging
bench-packaging: $(READY) ## measure packaging: cold, cached, and against `pip --target` and zip
	@$(RUN) -m benchmarks.packaging

# Does not depend on $(READY): it repairs the very files that the set-up reads. Versions stay without UPGRADE=1, hashes
# are always looked up again: uv would keep those of the old lock file, so it gets the old versions only.
UV ?= $(RUN) -m uv
LAYERS := $(basename $(wildcard lambda/requirements/*.in))
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
pin = LC_ALL=C sed -nE 's/^([A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+( ; .*[^\\ ])?)( \\)?$$/\1/p' $(1).txt >$(1).new 2>/dev/null; \
	if $(COMPILE) $(2) $(1).in -o $(1).new; then mv $(1).new $(1).txt; else rm -f $(1).new; exit 1; fi
.PHONY: lock
lock: ## pin all requirements with their hashes again [UPGRADE=1 for newer versions]
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(UV) --version >/dev/null 2>&1 || $(RUN) -m pip install --quiet 'uv>=0.9'
	@$(foreach layer,$(LAYERS),$(call pin,$(layer));)
	@$(call pin,requirements,$(LAYERS:%=-c %.txt))
	@$(call pin,requirements-dev,$(LAYERS:%=-c %.txt) -c requirements.txt)
	@$(call pin,benchmarks/requirements,)
	@$(call pin,tests/api_end_to_end/requirements,)
	@$(foreach tool,$(AUDIT_TOOLS),$(call pin,scripts/audit/requirements/$(tool),);)

.PHONY: demo
demo: export DEMO_STACK = $(value STACK)
demo: export DEMO_PHOTOS = $(value PHOTOS)
demo: export DEMO_OUT = $(value OUT)
# `exec`: make passes a SIGTERM on to the recipe's shell, which would end and leave the demo running.
demo: $(READY) ## send photos and videos through the whole pipeline on this machine [STACK=dev] [PHOTOS=folder] [OUT=build/demo]
	@exec sh local/demo/launch.sh $(RUN) -m local.demo --stack="$$DEMO_STACK" --photos="$$DEMO_PHOTOS" --out="$$DEMO_OUT"

.PHONY: serve
serve: export SERVE_STACK = $(value STACK)
serve: export SERVE_OUT = $(value OUT)
serve: export SERVE_PORT = $(value PORT)
serve: export SERVE_PROFILE = $(value PROFILE)
serve: export SERVE_SET = $(value SET)
serve: $(READY) ## run a stack until Ctrl-C [STACK=dev] [PORT=0] [PROFILE=usual] [SET=key=value] [OUT=build/serve]; OUT/env has its addresses and keys
	@exec $(RUN) -m local.serve --stack="$$SERVE_STACK" $${SERVE_PORT:+--port="$$SERVE_PORT"} \
		$${SERVE_PROFILE:+--profile="$$SERVE_PROFILE"} $${SERVE_SET:+--set="$$SERVE_SET"} $${SERVE_OUT:+--out="$$SERVE_OUT"}

.PHONY: rehearse
rehearse: export REHEARSE_STACK = $(value STACK)
rehearse: export REHEARSE_COMMAND = $(value CMD)
rehearse: $(READY) ## open a shell in which pulumi works against the embedded AWS [STACK=dev] [CMD="pulumi up --yes"]
	@$(RUN) -m local.rehearse --stack="$$REHEARSE_STACK" --command="$$REHEARSE_COMMAND"

# The other libraries are installed when first needed. What cannot be installed here is left out, and the table says so.
BENCH_PYTHON := $(VENV)/bench
BENCH_NODE := build/bench-node
SHARP := sharp@0.34.5

$(BENCH_PYTHON)/.ready: benchmarks/requirements.txt | $(READY)
	@rm -rf $(BENCH_PYTHON) && mkdir -p $(BENCH_PYTHON)
	@$(RUN) -m pip install --quiet --require-hashes --target $(BENCH_PYTHON) -r benchmarks/requirements.txt \
		&& touch $@ || echo "pyvips cannot be installed here"

.PHONY: bench
bench: export BENCH_PHOTOS = $(value PHOTOS)
bench: export BENCH_OUT = $(value OUT)
bench: export BENCH_BASE = $(value BASE)
bench: $(READY) $(BENCH_PYTHON)/.ready ## measure speed and quality of renditions against other libraries [PHOTOS=folder] [OUT=build/bench] [BASE=another checkout]
	@test -d $(BENCH_NODE)/node_modules/sharp || ! command -v node >/dev/null || ! command -v npm >/dev/null \
		|| { mkdir -p $(BENCH_NODE) && npm install --prefix $(BENCH_NODE) --no-save --no-package-lock --no-audit \
		--no-fund --silent $(SHARP); } || echo "sharp cannot be installed here"
	@PYTHONPATH=lambda:$(BENCH_PYTHON) $(RUN) -m benchmarks.bench --photos="$$BENCH_PHOTOS" --out="$$BENCH_OUT" --base="$$BENCH_BASE"

.PHONY: bench-cold
bench-cold: $(READY) ## measure the CPU of cold starts from the zips, against importing boto3 and Pillow
	@$(RUN) -m benchmarks.cold_start

.PHONY: bench-path
bench-path: export PYTHONPATH = lambda
bench-path: export BENCH_PATH_STACK = $(value STACK)
bench-path: export BENCH_PATH_OUT = $(value OUT)
bench-path: $(READY) ## measure one object of each kind: calls, billed milliseconds, dollars by service [STACK=dev] [OUT=build/bench]
	@$(RUN) -m benchmarks.path --stack="$$BENCH_PATH_STACK" --out="$$BENCH_PATH_OUT"

.PHONY: bench-pdq
bench-pdq: export PYTHONPATH = lambda
bench-pdq: $(READY) ## measure what the PDQ hash adds to the processor time of a photograph
	@$(RUN) -m benchmarks.pdq

.PHONY: bench-what-if
bench-what-if: export PYTHONPATH = lambda
bench-what-if: $(READY) ## measure what-if over many records, and fail beyond 60 s or 512 MB [OUTCOMES=100000]
	@$(RUN) -m benchmarks.what_if --outcomes=$(or $(OUTCOMES),100000)

.PHONY: second-opinion
second-opinion: export SECOND_OPINION_ONLY = $(value ONLY)
second-opinion: $(READY) $(BENCH_PYTHON)/.ready ## compare what is published of ../shared with libvips and ffmpeg [SHARE=1: every file] [ONLY=part of a name]
	@PYTHONPATH=lambda:$(BENCH_PYTHON) $(RUN) -m benchmarks.second_opinion --share=$(or $(SHARE),1) \
		--only="$$SECOND_OPINION_ONLY"

.PHONY: test-engine
test-engine: export ENGINE_TESTS = all
test-engine: $(READY) ## test both stacks with the real Pulumi CLI against the embedded AWS
	@$(RUN) -m pytest tests/engine

# The packages that a TypeScript program with the component needs. The version is that of the Pulumi CLI in CI.
TYPESCRIPT := build/typescript
TYPESCRIPT_PACKAGES := @pulumi/pulumi@3.259.0 typescript@5.9.3 @types/node@20

.PHONY: test-typescript
test-typescript: export ENGINE_TESTS = all
test-typescript: export TYPESCRIPT_MODULES = $(TYPESCRIPT)/node_modules
test-typescript: $(READY) ## use the component from a TypeScript program with the real Pulumi CLI; needs Node.js and npm
	@test -d $(TYPESCRIPT)/node_modules/@pulumi || { mkdir -p $(TYPESCRIPT) && npm install --prefix $(TYPESCRIPT) \
		--no-save --no-package-lock --no-audit --no-fund --silent $(TYPESCRIPT_PACKAGES); }
	@$(RUN) -m pytest -n 0 tests/engine/test_embedding.py -k typescript

.PHONY: transitions
transitions: export TRANSITIONS = all
transitions: $(READY) ## change a stack from every configuration of a list to every other, and hold all options against AWS's schemas
	@$(RUN) -m pytest tests/local/deployed/test_transitions.py tests/cloudformation -n 2

.PHONY: console-test
console-test: export CONSOLE_ITEMS = $(or $(ITEMS),1000)
console-test: $(READY) ## test the review console in a browser that is installed here, and race two tabs over ITEMS=1000 objects
	@$(RUN) -m pytest tests/console -n 0 -rs -m "long or not long"

.PHONY: front-door
front-door: export FRONT_DOOR_UPLOADS = $(or $(UPLOADS),200)
front-door: $(READY) ## test the API, its forms and announcements, and every documented line in a shell [UPLOADS=200: at once]
	@$(RUN) -m pytest tests/api_end_to_end -n 0 -s

FUZZ := $(VENV)/fuzz

$(FUZZ)/.ready: tests/api_end_to_end/requirements.txt | $(READY)
	@rm -rf $(FUZZ) && $(RUN) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --require-hashes -r tests/api_end_to_end/requirements.txt && touch $@

.PHONY: fuzz-api
fuzz-api: export PYTHONPATH = lambda
fuzz-api: $(READY) $(FUZZ)/.ready ## send requests generated from the OpenAPI document to a served stack [REQUESTS=2000] [SEED=0]
	@$(RUN) -m tests.api_end_to_end.fuzz --requests=$(or $(REQUESTS),2000) --seed=$(or $(SEED),0)

# Values are passed through the environment, so that a case's name may contain any character.
.PHONY: faults
faults: export PYTHONPATH = lambda
faults: export FAULTS_CASE = $(value CASE)
faults: $(READY) ## try every fault at every AWS call of every scenario, in virtual time [CASE=name: only that one] [ALL=1: those alike as well]
	@exec $(RUN) -m tests.faults.exhaustive $(if $(ALL),--all) $${FAULTS_CASE:+--case "$$FAULTS_CASE"}

.PHONY: soak
soak: export PYTHONPATH = lambda
soak: $(READY) ## simulate random faults, 40 objects per seed: SEEDS=1000 [SEED_START=0]
	@exec $(RUN) -m tests.faults.soak --seeds=$(or $(SEEDS),1000) --start=$(or $(SEED_START),0) $(if $(TRACE),--trace)

.PHONY: mutants
mutants: export PYTHONPATH = lambda
mutants: export MUTANTS_PATCHES = $(value PATCHES)
mutants: export MUTANTS_JSON = $(value JSON)
mutants: $(READY) ## check that the fault tests detect mistakes [PATCHES=folder of *.patch] [JSON=file] [REMEMBER=1]
	@exec $(RUN) -m tests.faults.mutants $(if $(REMEMBER),--remember) $${MUTANTS_PATCHES:+--patches "$$MUTANTS_PATCHES"} $${MUTANTS_JSON:+--json "$$MUTANTS_JSON"}

.PHONY: chaos
chaos: export PYTHONPATH = lambda
chaos: $(READY) ## kill real processes in the embedded AWS at random [OBJECTS=1000] [KILLS=500] [SEED=0]
	@$(RUN) -m tests.faults.chaos --objects=$(or $(OBJECTS),1000) --kills=$(or $(KILLS),500) --seed=$(or $(SEED),0)

.PHONY: corpus
corpus: export PYTHONPATH = lambda
corpus: $(READY) ## send odd and hostile pictures (../shared/corpus) through the image function [SHARE=1: all of them]
	@$(RUN) -m tests.faults.corpus --share=$(or $(SHARE),1)

.PHONY: corpus-videos
corpus-videos: export PYTHONPATH = lambda
corpus-videos: $(READY) ## send odd and hostile videos, and some that refer to other files, through the video function [SHARE=1: all of them]
	@$(RUN) -m tests.video.corpus --share=$(or $(SHARE),1)

.PHONY: bombs
bombs: export PYTHONPATH = lambda
bombs: $(READY) ## measure what uploads cost that are made to cost much [ONLY=mp4: those with that in their name]
	@$(RUN) -m tests.bombs.run --only="$(ONLY)"

.PHONY: sampling
sampling: export PYTHONPATH = lambda
sampling: $(READY) ## check that a card somewhere in an animation or a video blocks it [VIDEOS=100: of each kind] [SEED=0] [KIND=still_in_pieces: that kind of video alone]
	@$(if $(KIND),,$(RUN) -m tests.video.animation_trial --animations=$(or $(VIDEOS),100) --seed=$(or $(SEED),0))
	@$(RUN) -m tests.video.sampling_trial --videos=$(or $(VIDEOS),100) --seed=$(or $(SEED),0) $(if $(KIND),--kind=$(KIND))

.PHONY: bench-video
bench-video: export PYTHONPATH = lambda
bench-video: export BENCH_VIDEO_OUT = $(value OUT)
bench-video: $(READY) ## measure 1080p to 720p against the ffmpeg command line: time, memory, likeness, sound [PAIRS=7] [OUT=build/bench-video]
	@$(RUN) -m benchmarks.video --pairs=$(or $(PAIRS),7) $${BENCH_VIDEO_OUT:+--out="$$BENCH_VIDEO_OUT"}
