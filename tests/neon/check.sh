#!/usr/bin/env bash
# The NEON kernels, compiled by Debian's cross compiler, beside the plain ones under qemu. Usage: check.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:?usage: check.sh FOLDER for what is built}
mkdir -p "$out"
compile() {  # NAME SOURCE FLAGS...
  aarch64-linux-gnu-g++ -std=gnu++20 -O2 -Wall -Wextra -Wshadow -Werror -I"$root/src" "${@:3}" -c "$root/$2" -o "$out/$1.o"
}
compile neon src/tensor/kernels/kernels_neon.cc -march=armv8.2-a+dotprod+fp16
compile plain src/tensor/kernels/kernels_plain.cc
compile test tests/neon/neon_test.cc
aarch64-linux-gnu-g++ -static "$out"/{neon,plain,test}.o -o "$out/neon_test"
qemu-aarch64-static "$out/neon_test"
