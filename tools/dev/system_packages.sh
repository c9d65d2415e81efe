#!/bin/sh
# Install what the tests of the review page and of RealSense recordings need of the system, where that is possible;
# otherwise they are skipped and say so.
set -u

find_chromium() {
    [ -n "${CHROMIUM:-}" ] && return 0
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1
}

find_libusb() {
    .venv/bin/python -c 'import pyrealsense2' 2>/dev/null
}

can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

install() {
    echo "Installing $1 for $2"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null 2>&1
}

find_chromium || { can_install && install chromium "the tests of the review page"; } ||
    echo "The review page will not be tested: install Chromium (apt-get install chromium), or set CHROMIUM" >&2
find_libusb || { can_install && install libusb-1.0-0 "the tests of RealSense recordings"; } ||
    echo "RealSense recordings will not be tested: install libusb (apt-get install libusb-1.0-0)" >&2
