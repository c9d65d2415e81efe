#!/bin/sh
# Make a virtual environment and install graspseg into it: setup_env.sh FOLDER REQUIREMENT
# Needs only Python >= 3.11 with pip.
set -eu
# make keeps compiled modules inside the environment: Python would make the folder before uv does, and uv would refuse it.
unset PYTHONPYCACHEPREFIX
folder=$1
requirement=$2
python=${PYTHON:-python3}
uv="sh $(dirname "$0")/uv.sh"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$("$python" --version 2>&1) || found="not found"
    echo "graspseg needs Python 3.11 or newer, but '$python' is $found: name another one, such as make PYTHON=python3.12" >&2
    exit 2
fi
if ! "$folder/bin/python" -c '' 2>/dev/null; then
    rm -rf "$folder"
    # The folder is made only where there is none, so nothing may keep its compiled modules in it yet.
    PYTHONDONTWRITEBYTECODE=1 $uv venv --quiet --python "$python" "$folder"
fi
$uv pip install --quiet --python "$folder/bin/python" --editable "$requirement"
touch "$folder/.ready"
