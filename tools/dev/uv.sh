#!/bin/sh
# Run uv with pip's settings of where packages come from: the uv on PATH, or one installed into .tools/.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}

if uv --version >/dev/null 2>&1; then
    uv=uv
else
    uv=$root/.tools/bin/uv
    if ! [ -x "$uv" ]; then
        if ! "$python" -m venv "$root/.tools"; then
            echo "'$python' cannot make a virtual environment: install its venv package, such as apt-get install python3-venv" >&2
            exit 2
        fi
        echo '*' >"$root/.tools/.gitignore"
        "$root/.tools/bin/python" -m pip install --quiet uv
    fi
fi

# uv reads its own settings only; hand on pip's, unless uv's are given.
settings=$("$python" -m pip config list 2>/dev/null || true)
hand_on() {
    eval "present=\${$1:-}"
    # The environment's value is listed as :env: and wins over the files'.
    for scope in :env: install global; do
        if [ -z "$present" ]; then
            present=$(printf '%s\n' "$settings" | sed -n "s/^$scope\.$2='\(.*\)'\$/\1/p" | sed 's/\\n/ /g')
        fi
    done
    if [ -n "$present" ]; then
        export "$1=$present"
    fi
}
hand_on UV_DEFAULT_INDEX index-url
hand_on UV_INDEX extra-index-url
hand_on UV_FIND_LINKS find-links
hand_on SSL_CERT_FILE cert
# pip takes the best version of all indexes; so must uv, or an extra index hides the main one.
export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
export UV_PYTHON_DOWNLOADS=never

exec "$uv" "$@"
