#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# count.sh: runs gemm_count or conv_count under qemu-user with an instruction-counting plugin and prints instructions per
# multiply-add.
#
#   PLUGIN=libcount.so [QEMU=qemu-aarch64] [CPU=neoverse-n1] ./count.sh PROGRAM ARGUMENTS
#
# The plugin watches system call 0x7e57 (region.hpp) and writes OUT, a JSON object with "total", the instructions executed
# between the marks. README.md says what such a plugin is and how to write one. The program says how many multiply-adds
# it was.
set -euo pipefail

: "${PLUGIN:?a qemu plugin that counts between the marks: see README.md}"
out=${OUT:-$(mktemp)}
said=$("${QEMU:-qemu-aarch64}" -cpu "${CPU:-neoverse-n1}" -plugin "$PLUGIN",out="$out" "$@")
echo "$said"
python3 - "$out" "$said" <<'PYTHON'
import json
import re
import sys

path, said = sys.argv[1:]
macs = int(re.search(r"^(\d+) MAC", said, re.MULTILINE).group(1))
for line in open(path, encoding="utf-8"):
    total = json.loads(line)["total"]
    print(f"{total} instructions, {total / macs:.4f} per multiply-add")
PYTHON
