#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Machine code of the GPU's kernels: compiles cuda_kernels.cu for sm_90a and fails on spilled registers, a stack frame, matrix
instructions that ptxas serialised, a warning, or a kernel without the instructions it was written for."""

import collections
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The low 12 bits of a 16-byte instruction, read off kernels known to contain it.
OPCODES = {0x9F0: "HGMMA", 0x9F1: "IGMMA", 0x9F3: "QGMMA", 0x23C: "HMMA", 0x237: "IMMA", 0x27A: "HMMA.FP8", 0x844: "STSM", 0x83B: "LDSM",
           0x5B4: "UTMALDG", 0x3B4: "UTMALDG.MULTICAST", 0x3B5: "UTMASTG", 0x983: "LDL", 0x387: "STL", 0x223: "FFMA", 0xFAE: "LDGSTS"}
# What the name of a kernel contains: the instructions it must have.
EXPECTED = [
    (r"sm90_kernel.*narrow_floatILi8ELi7ELb1.*8matrices", {"HGMMA", "UTMALDG", "UTMASTG", "STSM"}),
    (r"sm90_kernel.*4tf32.*8matrices", {"HGMMA", "UTMALDG", "UTMASTG"}),
    (r"sm90_kernel.*sm90_kindIai.*8matrices", {"IGMMA", "UTMALDG", "UTMASTG"}),
    (r"sm90_kernel.*narrow_floatILi4ELi3ELb0.*8matrices", {"QGMMA", "UTMALDG", "UTMASTG", "STSM"}),
    (r"sm90_kernel.*6pixels", {"HGMMA", "UTMALDG", "UTMASTG", "STSM"}),
    (r"mma_kernel.*narrow_floatILi8ELi7ELb1", {"HMMA", "LDSM"}),
    (r"simt_kernel", {"FFMA"}),
]


def census(cubin):
    """(name of the kernel, Counter of its opcodes) of every kernel."""
    data = cubin.read_bytes()
    start, = struct.unpack_from("<Q", data, 40)
    size, count, names_at = struct.unpack_from("<HHH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + i * size) for i in range(count)]
    names = data[sections[names_at][4]:][:sections[names_at][5]]
    for section in sections:
        name = names[section[0]:names.index(b"\0", section[0])].decode()
        if name.startswith(".text."):
            words = (struct.unpack_from("<H", data, section[4] + i)[0] & 0xFFF for i in range(0, section[5], 16))
            yield name[6:], collections.Counter(OPCODES[w] for w in words if w in OPCODES)


def complaints(log):
    for line in log.splitlines():
        spilled = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)
        if spilled and any(int(n) for n in spilled.groups()):
            yield line.strip()
        elif re.search(r"\(C75\d\d\)|warning|error", line, re.I):
            yield line.strip()[:400]


def main():
    nvcc = sys.argv[1] if len(sys.argv) > 1 else "nvcc"
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder) / "kernels.cubin"
        command = [nvcc, "-std=c++20", "-O3", "-gencode", "arch=compute_90a,code=sm_90a", f"-I{ROOT}/include", f"-I{ROOT}/cuda", "-Xptxas", "-v",
                   "-cubin", "-o", str(cubin), str(ROOT / "tests/checks/cuda_kernels.cu")]
        compiled = subprocess.run(command, capture_output=True, text=True, check=False)
        log = compiled.stdout + compiled.stderr
        if compiled.returncode != 0:
            print(log[-4000:])
            return 1
        found = list(complaints(log))
        kernels = list(census(cubin))
    for pattern, needed in EXPECTED:
        named = [(name, ops) for name, ops in kernels if re.search(pattern, name)]
        if not named:
            found.append(f"no kernel is named like {pattern}")
        # UTMALDG or its multicast form
        for name, ops in named:
            have = set(ops) | ({"UTMALDG"} if "UTMALDG.MULTICAST" in ops else set())
            if not needed <= have:
                found.append(f"{name[:120]}: has no {', '.join(sorted(needed - have))}")
    found += [f"{name[:120]}: {ops['LDL']} LDL, {ops['STL']} STL" for name, ops in kernels if ops["LDL"] or ops["STL"]]
    print("\n".join(found) if found else f"{len(kernels)} kernels: no stack, no spills, the promised instructions")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
