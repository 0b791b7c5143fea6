#!/usr/bin/env bash
# Installs what a build needs besides a Swift toolchain, or says what is missing.
#
# Usage: scripts/dependencies.sh
# Debian and Ubuntu: missing packages are installed with apt-get, through sudo when not root.
# Other systems: names what to install and ends with 1.
set -euo pipefail

packages=(libzmq3-dev libsqlite3-dev libopenblas-dev pkg-config)
modules=(libzmq sqlite3 openblas)

fail() {
    echo "hexloop: $1" >&2
    exit 1
}

if ! command -v swift >/dev/null; then
    fail "there is no Swift toolchain on the PATH; install Swift 6.2 or later from https://swift.org/install and try again"
fi

is_complete() {
    command -v pkg-config >/dev/null && pkg-config --exists "${modules[@]}"
}

if is_complete; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    fail "this system has no apt-get; install the development files of ZeroMQ 4.3, SQLite 3 and OpenBLAS, and pkg-config, \
so that 'pkg-config --exists ${modules[*]}' succeeds, and try again"
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root: apt-get install ${packages[*]}"
    as_root=(sudo)
fi

echo "Installing ${packages[*]} with apt-get..."
export DEBIAN_FRONTEND=noninteractive
if ! "${as_root[@]}" apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null 2>&1; then
    # The package lists of a fresh system are missing or old.
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -y -q --no-install-recommends "${packages[@]}"
fi
is_complete || fail "the packages ${packages[*]} are installed, but 'pkg-config --exists ${modules[*]}' still fails"
