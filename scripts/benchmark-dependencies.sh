#!/usr/bin/env bash
# Installs the runtimes that Benchmarks/models.py measures ours beside, into .build-venv-bench/ of this repository.
#
# Usage: scripts/benchmark-dependencies.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# Versions are part of a figure; a change here makes the environment anew.
python_packages=(ai-edge-litert==2.3.0 onnxruntime==1.32.0 openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6 flatbuffers==25.12.19)

venv=.build-venv-bench
stamp=$venv/packages

fail() {
    echo "hexloop: $1" >&2
    exit 1
}

if [ "$(cat "$stamp" 2>/dev/null)" = "${python_packages[*]}" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
command -v python3 >/dev/null || fail "there is no python3; install it and try again"
python3 -c 'import ensurepip' 2>/dev/null || fail "Python cannot make environments; run: apt-get install python3-venv"
command -v cc >/dev/null || fail "there is no C compiler; run: apt-get install gcc libc6-dev"
echo "Making $venv with ${python_packages[*]}..."
rm -rf "$venv"
if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "${python_packages[@]}"; }; then
    rm -rf "$venv"
    fail "the Python packages could not be installed; is there a network?"
fi
echo "${python_packages[*]}" >"$stamp"
