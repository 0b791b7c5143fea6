#!/usr/bin/env bash
# Builds the C kernels for aarch64 with Debian's clang and compares each NEON kernel with its scalar twin under
# qemu-aarch64, on a processor with dot products and on one without.
#
# Usage: Tests/NEONTests/check.sh [CASES [SEED]]
# Ends with 77, and says what is missing, where there are no tools (scripts/test-dependencies.sh installs them).
set -euo pipefail
cd "$(dirname "$0")/../.."

cases=${1:-1000}
seed=${2:-1}

for tool in clang-19 ld.lld-19 qemu-aarch64; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: the NEON kernels are not checked"; exit 77; }
done
[ -e /usr/aarch64-linux-gnu/lib/libc.a ] || { echo "libc6-dev-arm64-cross is missing: the NEON kernels are not checked"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang-19 --target=aarch64-linux-gnu -fuse-ld=lld -static -O2 -Wall -Wextra -Werror -ISources/CKernels/include \
    Sources/CKernels/*.c Tests/NEONTests/neon_check.c -o "$work/neon_check"
for processor in max cortex-a72; do
    echo "$processor:"
    qemu-aarch64 -cpu "$processor" "$work/neon_check" "$seed" "$cases"
done
