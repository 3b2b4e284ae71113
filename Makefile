# The commands of everyday work; CONTRIBUTING.md explains them. `make` alone lists them.
.PHONY: help install check format test coverage test-slow generate docs serve bench wheel

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: ## install latentclust and all tools in the active environment
	pip install -e '.[docs,test]' pre-commit
	pre-commit install

check: ## style, types and layers
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: ## format the code and apply safe fixes
	ruff check --fix .
	ruff format .

test: ## tests, without the slow ones: make test ARGS=tests/recipe
	pytest -q -n 2 --dist loadfile $(ARGS)

coverage: ## tests, without the slow ones, and the lines that none of them runs
	pytest -q --cov=latentclust --cov-report=term-missing:skip-covered $(ARGS)

test-slow: ## slow tests: make test-slow ARGS=tests/docs
	pytest -q -n 2 -m slow $(ARGS)

generate: ## write the pages of docs/ that are made from code and results
	python docs/scripts/hook_reference.py
	python docs/scripts/plugin_examples.py
	python docs/scripts/training_step.py
	python benchmarks/tables.py --write

docs: ## build the documentation site into build/site
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

serve: ## show the documentation site in a browser while you write
	NO_MKDOCS_2_WARNING=1 mkdocs serve

bench: ## run a benchmark: make bench RECIPE=digits SEEDS=5
	python benchmarks/clustering.py $(RECIPE) --seeds $(or $(SEEDS),3)

wheel: ## build the wheel into dist/
	pip wheel --no-deps --wheel-dir dist .
