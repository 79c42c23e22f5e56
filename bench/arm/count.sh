#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# count.sh: runs gemm_count under qemu-user with an instruction-counting plugin and prints instructions per multiply-add.
#
#   PLUGIN=libcount.so [QEMU=qemu-aarch64] [CPU=neoverse-n1] ./count.sh PROGRAM f32|f64 packed|plain M N K
#
# The plugin watches system call 0x7e57 (region.hpp) and writes OUT, a JSON object with "total", the instructions executed
# between the marks. README.md says what such a plugin is and how to write one.
set -euo pipefail

program=$1
shift
: "${PLUGIN:?a qemu plugin that counts between the marks: see README.md}"
out=${OUT:-$(mktemp)}
"${QEMU:-qemu-aarch64}" -cpu "${CPU:-neoverse-n1}" -plugin "$PLUGIN",out="$out" "$program" "$@"
python3 - "$out" "$@" <<'PYTHON'
import json
import sys

path, _, _, m, n, k = sys.argv[1:]
macs = int(m) * int(n) * int(k)
for line in open(path, encoding="utf-8"):
    total = json.loads(line)["total"]
    print(f"{total} instructions, {total / macs:.4f} per multiply-add")
PYTHON
