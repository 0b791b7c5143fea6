#!/usr/bin/env bash
# Installs what tests of other languages need besides a build, or says what is missing. Tests without it are skipped.
#
# Usage: scripts/test-dependencies.sh
# Debian and Ubuntu: missing packages are installed with apt-get, through sudo when not root. Python packages go into
# .build-venv/ of this repository. Other systems, and systems without a network: a message, and the tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# Command, and the Debian package that has it.
tools=(python3:python3 valgrind:valgrind openssl:openssl prometheus-alertmanager:prometheus-alertmanager
    clang-19:clang-19 ld.lld-19:lld-19 qemu-aarch64:qemu-user)
# File, and the Debian package that has it: the C library for aarch64, with the compiler's.
files=(/usr/aarch64-linux-gnu/lib/libc.a:libc6-dev-arm64-cross
    /usr/lib/gcc-cross/aarch64-linux-gnu/12/libgcc.a:libgcc-12-dev-arm64-cross)
# Versions of Python packages; a change here makes the environment anew.
python_packages=(pyzmq==27.3.0 cloudevents==2.2.0 jsonschema==4.26.0 rfc3339-validator==0.1.4 asyncapi3==0.0.2
    onnx==1.17.0 aiosmtpd==1.4.6)

venv=.build-venv
stamp=$venv/packages

say() { echo "hexloop: $1" >&2; }

install() {
    if ! command -v apt-get >/dev/null; then
        say "this system has no apt-get; install $*, or the tests that need it are skipped"
        return 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { say "run as root: apt-get install $*"; return 1; }
        as_root=(sudo)
    fi
    echo "Installing $* with apt-get..."
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 \
        || { "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -y -q --no-install-recommends "$@"; } \
        || { say "apt-get could not install $*; the tests that need it are skipped"; return 1; }
}

packages=()
for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || packages+=("${tool##*:}")
done
for file in "${files[@]}"; do
    [ -e "${file%%:*}" ] || packages+=("${file##*:}")
done
if [ ${#packages[@]} -gt 0 ]; then install "${packages[@]}" || true; fi

if [ "$(cat "$stamp" 2>/dev/null)" = "${python_packages[*]}" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
command -v python3 >/dev/null || exit 0
echo "Making $venv with ${python_packages[*]}..."
rm -rf "$venv"
if ! python3 -c 'import ensurepip' 2>/dev/null; then install python3-venv || exit 0; fi
if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "${python_packages[@]}"; }; then
    rm -rf "$venv"
    say "the Python packages could not be installed; the tests that need them are skipped"
    exit 0
fi
echo "${python_packages[*]}" >"$stamp"
