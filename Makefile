# Each target sets up what it needs first (scripts/bootstrap.py); what has not changed is not done again.
# PORT=9000 and every other setting may be given on the command line, in the environment or in the file .env.
# PYTHON=3.12, or a path, chooses the Python of the environment.

run := sh scripts/run.sh
chosen := $(if $(findstring command line,$(origin PYTHON)),--python "$(PYTHON)")
compat := $(if $(chosen),$(PYTHON),3.12)

.DEFAULT_GOAL := help
.PHONY: help setup serve ask chat train evaluate test test-compat fuzz chaos lint lock demo-channels load-channels screenshots audit bench

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Set everything up (Python environment, database, content, model) without starting anything
	@$(run) setup $(chosen)

serve: ## Set up what is missing, then serve the bot and print its addresses (PORT=8080)
	@$(run) serve $(chosen)

ask: ## Ask one question (TEXT="...") and see the answer and why; without TEXT: JSON Lines in, JSON Lines out
	@$(run) ask $(chosen)

chat: ## Have a conversation at the terminal
	@$(run) chat $(chosen)

train: ## Train the model again, even if nothing has changed
	@$(run) train $(chosen)

evaluate: ## Print the figures on sentences that were held back from training
	@$(run) evaluate $(chosen)

demo-channels: ## Run the application against stand-ins of all messengers, with a page that shows them side by side
	@$(run) demo-channels $(chosen)

load-channels: ## Measure 200 webhooks a second for 60 s against the stand-ins; the last line is one JSON object
	@$(run) load-channels $(chosen)

test: ## Set up what is missing, then run every check and test (ARGS="-k name" goes to pytest)
	@$(run) test $(chosen)

test-compat: ## Run the compatibility tests on another Python (PYTHON=3.12) in an environment of its own
	@$(run) test-compat --python "$(compat)" --venv .venv-compat

bench: ## Measure beside stock Rasa in one run (ARGS="--quick" keeps its trained model); the last line is one JSON object
	@$(run) bench $(chosen)

fuzz: ## Send 20,000 inputs of every kind through the chat API (FUZZ_SEED=1 has a run again, FUZZ_INPUTS=500)
	@$(run) fuzz $(chosen)

chaos: ## Break everything that can break while people talk, and count what came of it (ARGS=--soak: 20 minutes of memory)
	@$(run) chaos $(chosen)

lint: ## Check style and types only
	@$(run) lint $(chosen)

audit: ## Known holes, licences, bill of materials (var/audit), and helplines nobody has checked (ARGS="--service pypi")
	@$(run) audit $(chosen) --venv .venv-audit

lock: ## Resolve and lock the packages again (UPGRADE=1 takes the newest versions that fit)
	@$(run) lock $(if $(UPGRADE),--upgrade)

screenshots: ## Take pictures of the main states into docs/screenshots (needs a browser, see CHROMIUM)
	@$(run) screenshots $(chosen)
