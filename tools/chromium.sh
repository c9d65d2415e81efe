#!/bin/sh
# Install Chromium for the tests of the review page where that is possible; otherwise they are skipped and say so.
set -u

[ -n "${CHROMIUM:-}" ] && exit 0
for name in chromium chromium-browser; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the tests of the review page"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 && exit 0
fi
echo "The review page will not be tested: install Chromium (apt-get install chromium), or set CHROMIUM" >&2
