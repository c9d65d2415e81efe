# Needs Python >= 3.11 and make; everything else is installed into .venv (test, check) or .venv-demo (demo, no torch).
PYTHON ?= python3
export PYTHON
# Compiled modules are kept, away from the sources: the tests start hundreds of processes that import the same ones.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache
SETUP := sh tools/dev/setup_env.sh

.PHONY: help demo test check docs format figures clean
help:
	@echo "make demo    segment the example frames into demo/ (no torch needed)"
	@echo "make test    run every test"
	@echo "make check   lint, types, layers, dependencies, spelling, figures and links of the documentation"
	@echo "make docs    build the documentation into site/"
	@echo "make format  let ruff format the code"
	@echo "make figures measure the shipped model again and update the documentation (minutes)"

demo: .venv-demo/.ready
	.venv-demo/bin/graspseg segment examples/frames --out demo
	@echo "Look at the overlays in $(CURDIR)/demo/overlays (hand and object colored); figures are in demo/summary.json"

test: .venv/.ready
	@sh tools/dev/system_packages.sh
	.venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: .venv/.ready
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/pyright
	.venv/bin/lint-imports --no-cache
	.venv/bin/deptry src
	.venv/bin/typos
	@sh tools/dev/check_page.sh .venv/bin/python
	.venv/bin/python tools/dev/check_words.py
	.venv/bin/python tools/docs/figures.py
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet --site-dir .mkdocs_check

docs: .venv/.ready
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
	@echo "Open $(CURDIR)/site/index.html, or with search: .venv/bin/mkdocs serve"

format: .venv/.ready
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# Minutes: figures of the shipped model, measured again.
figures: .venv/.ready
	.venv/bin/graspseg evaluate synth:val:1000 --json benchmarks/results/val.json
	.venv/bin/graspseg evaluate synth:unseen:1000 --json benchmarks/results/unseen.json
	.venv/bin/graspseg evaluate synth:wild/val:500 --json benchmarks/results/wild_val.json
	.venv/bin/graspseg evaluate synth:wild/unseen:500 --json benchmarks/results/wild_unseen.json
	.venv/bin/graspseg speed --data examples/frames --frames 2000 --precision float32 --json benchmarks/results/speed.json
	.venv/bin/python benchmarks/speed/synth_speed.py
	.venv/bin/python benchmarks/speed/engines.py src/graspseg/models/weights/denseattentionseg-lite.onnx --json-path benchmarks/results/engines.json
	.venv/bin/python tools/docs/result_pictures.py ../shared/real
	.venv/bin/python tools/docs/figures.py --write

clean:
	rm -rf .venv .venv-demo .tools demo site .mkdocs_check

.venv/.ready: pyproject.toml tools/dev/setup_env.sh tools/dev/uv.sh
	@echo "Preparing .venv (every extra; the first time takes minutes)"
	@$(SETUP) .venv '.[dev]'

.venv-demo/.ready: pyproject.toml tools/dev/setup_env.sh tools/dev/uv.sh
	@echo "Preparing .venv-demo (no torch)"
	@$(SETUP) .venv-demo .
