#!/bin/sh
# Make a virtual environment and install graspseg into it: setup_env.sh FOLDER REQUIREMENT
# Needs only Python >= 3.11 with pip; uses the uv on PATH, or installs one beside the environments.
set -eu
folder=$1
requirement=$2
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$("$python" --version 2>&1) || found="not found"
    echo "graspseg needs Python 3.11 or newer, but '$python' is $found: name another one, such as make PYTHON=python3.12" >&2
    exit 2
fi

if uv --version >/dev/null 2>&1; then
    uv=uv
else
    uv=$PWD/.tools/bin/uv
    if ! [ -x "$uv" ]; then
        if ! "$python" -m venv .tools; then
            echo "'$python' cannot make a virtual environment: install its venv package, such as apt-get install python3-venv" >&2
            exit 2
        fi
        echo '*' >.tools/.gitignore
        .tools/bin/python -m pip install --quiet uv
    fi
fi

# uv does not read pip's settings; hand on those that say where packages come from.
settings=$("$python" -m pip config list 2>/dev/null || true)
pip_setting() {
    # The environment's value is listed as :env: and wins over the files', the user's file over the system's.
    for scope in :env: install global; do
        value=$(printf '%s\n' "$settings" | sed -n "s/^$scope\.$1='\(.*\)'\$/\1/p" | sed 's/\\n/ /g')
        if [ -n "$value" ]; then
            printf '%s' "$value"
            return
        fi
    done
}
hand_on() {
    eval "present=\${$1:-}"
    value=$(pip_setting "$2")
    if [ -z "$present" ] && [ -n "$value" ]; then
        export "$1=$value"
    fi
}
hand_on UV_DEFAULT_INDEX index-url
hand_on UV_INDEX extra-index-url
hand_on UV_FIND_LINKS find-links
hand_on SSL_CERT_FILE cert
# pip takes the best version of all indexes; so must uv, or an extra index hides the main one.
export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}" UV_PYTHON_DOWNLOADS=never

if ! "$folder/bin/python" -c '' 2>/dev/null; then
    rm -rf "$folder"
    "$uv" venv --quiet --python "$python" "$folder"
fi
"$uv" pip install --quiet --python "$folder/bin/python" --editable "$requirement"
touch "$folder/.ready"
