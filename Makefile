# `make` alone lists what there is. CI types the same targets as people do.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3.11
BIN := .venv/bin
FILE ?= tests/nlu/development.jsonl
HINT3 ?= ../shared/benchmarks/hint3
SAFETY ?= tests/nlu/safety.jsonl

export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 3
export SANIC_HOST := 127.0.0.1
# Warnings of Rasa's own old libraries would bury ours; tests turn ours into errors.
QUIET := PYTHONWARNINGS=ignore

TRAINING := config.yml domain.yml $(wildcard data/nlu/*.yml) $(wildcard data/rules/*.yml) \
  $(wildcard data/stories/*.yml) $(wildcard data/nlu/reviewed/*.yml) bot/models/encoder.onnx
COMPONENTS := bot/nlu/encoder.py bot/nlu/encoder_featurizer.py bot/nlu/intent_model.py \
  bot/nlu/letters.py bot/nlu/intent_classifier.py

.PHONY: help
##@ Daily
run: .env $(BIN)/bot models/clinic.tar.gz ## Start everything; Ctrl-C stops it (first time: some minutes)
	@$(QUIET) $(BIN)/bot run

chat: .env $(BIN)/bot models/clinic.tar.gz ## Talk to the assistant in the terminal
	@$(QUIET) $(BIN)/bot chat

escalations: .env $(BIN)/bot ## List what waits for staff
	@$(BIN)/bot escalations

##@ Checking
test: .env $(BIN)/bot models/clinic.tar.gz ## Every test, trained model and browser included (some minutes)
	$(BIN)/python -m pytest

test-fast: .env $(BIN)/bot ## Unit and consistency tests only (under a minute)
	$(BIN)/python -m pytest tests/unit tests/consistency

size: ## Compressed bytes of the chat widget (a test fails above 15,000)
	@gzip -9nc bot/widget/clinic-chat.js | wc -c

lint: $(BIN)/bot ## Code style, format and the content of the answers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bot lint-content

types: $(BIN)/bot ## Type check
	$(BIN)/mypy bot actions

validate: .env $(BIN)/bot models/spacy/meta.json ## Rasa's own check of domain, intents and rules
	$(QUIET) $(BIN)/rasa data validate --fail-on-warnings --domain domain.yml --data data/nlu data/rules

evaluate: .env $(BIN)/bot models/clinic.tar.gz ## Accuracy on FILE=… (default: the development set)
	@$(QUIET) $(BIN)/bot evaluate $(FILE)

evaluate-rules: $(BIN)/bot ## What the red-flag rules catch alone, on the labelled messages (a minute)
	@$(BIN)/bot evaluate-rules

evaluate-safety: .env $(BIN)/bot models/clinic.tar.gz ## Each safety net, and all together, on SAFETY=…
	@$(QUIET) $(BIN)/bot evaluate-safety $(SAFETY)

bench-console: $(BIN)/bot ## Speed of the console's pages on 100,000 conversations (DATABASE=url)
	@$(BIN)/python -m benchmarks.console $(foreach url,$(DATABASE),--database "$(url)") \
	  $(if $(WRITE),--write)

##@ Building
install: $(BIN)/bot ## Install the locked environment into .venv

train: .env $(BIN)/bot models/clinic.tar.gz ## Train Rasa, if anything it learns from changed

migrate: .env $(BIN)/bot ## Bring the database to the newest tables
	$(BIN)/bot migrate

seed: .env $(BIN)/bot ## Bring data/answers into the content store
	$(BIN)/bot seed

format: $(BIN)/bot ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .uv/bin/uv ## Resolve requirements/*.in again (needs the package index)
	for set in product dev; do .uv/bin/uv pip compile requirements/$$set.in \
	  --override requirements/overrides.txt --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" -q -o requirements/$$set.lock; done

env: .env ## Create .env with generated secrets

tier-head: $(BIN)/bot ## Fit the tier model's head again from data/ (some minutes, 4 GB)
	@$(BIN)/python bot/models/fit_tier_head.py

choice-weights: $(BIN)/bot ## Fit the choice between answers again from data/ (two minutes)
	@$(BIN)/python bot/models/fit_choice.py

finetune: ## Train the encoder again from data/ (PyTorch in .finetune; about an hour)
	@test -x .finetune/bin/python || $(PYTHON) -m venv .finetune
	.finetune/bin/pip install --quiet -r requirements/finetune.in
	# Without these, glibc gives memory back after every step and half the time goes to the kernel.
	MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_ARENA_MAX=1 \
	  .finetune/bin/python bot/models/finetune.py --epochs 3

##@ Measuring
bench-nlu: $(BIN)/bot ## Intent detection on public data beside Rasa's pipelines (HINT3=folder)
	@test -f var/benchmarks/base/encoder.onnx || $(MAKE) --no-print-directory bench-encoder
	@$(QUIET) $(BIN)/python -m benchmarks.nlu_public $(HINT3)

bench-latency: .env $(BIN)/bot models/clinic.tar.gz ## Speed and memory beside Rasa's default pipeline
	@$(QUIET) $(BIN)/python -m benchmarks.latency

bench-emergency: .env $(BIN)/bot models/clinic.tar.gz ## How soon emergencies at the same moment are answered
	@$(QUIET) $(BIN)/python -m benchmarks.emergency

bench-answers: .env $(BIN)/bot models/clinic.tar.gz ## Accuracy by topic, confusions, calibration
	@$(QUIET) $(BIN)/python -m benchmarks.answers --set $(FILE)

bench-encoder: ## Export the public base encoder for bench-nlu (PyTorch in .finetune)
	@test -x .finetune/bin/python || $(PYTHON) -m venv .finetune
	.finetune/bin/pip install --quiet -r requirements/finetune.in
	.finetune/bin/python benchmarks/base_encoder.py

##@ Other
clean: ## Remove the environment, the model and caches (not .env, not the database)
	rm -rf .venv .uv models .mypy_cache .ruff_cache .rasa .hypothesis

help: ## Show this list
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' Makefile)

# --- files ---------------------------------------------------------------------------

.uv/bin/uv:
	@echo "Installing uv …"
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv

$(BIN)/bot: requirements/dev.lock pyproject.toml | .uv/bin/uv
	@echo "Installing the environment (about 2 GB, once) …"
	@test -x $(BIN)/python || .uv/bin/uv venv --quiet --python $(PYTHON) .venv
	@.uv/bin/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	@.uv/bin/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.env: .env.example | $(BIN)/bot
	@$(BIN)/bot env
	@touch $@

models/spacy/meta.json: data/entities.yml bot/nlu/spacy_pipeline.py | $(BIN)/bot
	@$(QUIET) $(BIN)/bot build-spacy

models/vectors/made: $(wildcard data/answers/*.yml) bot/models/encoder.onnx | $(BIN)/bot .env
	@$(QUIET) $(BIN)/bot build-vectors
	@touch $@

models/clinic.tar.gz: $(TRAINING) $(COMPONENTS) models/spacy/meta.json | $(BIN)/bot .env models/vectors/made
	@echo "Training (about a minute) …"
	@mkdir -p var/log
	@$(QUIET) $(BIN)/rasa train --config config.yml --domain domain.yml --data data/nlu data/rules \
	  --out models --fixed-model-name clinic > var/log/train.log 2>&1 \
	  || { tail -n 30 var/log/train.log; exit 1; }
	@touch $@
