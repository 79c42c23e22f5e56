#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one sgemm costs the program that includes it: seconds of g++ -O3 and bytes of machine code, against a budget."""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

import compilers

SECONDS, BYTES = 2.5, 60_000  # one gemm<float> with the default epilogue; g++ 12 -O3 on one core
# Machines differ, and one that is shared from hour to hour: the budget is for one that reads the SIMD library alone in this time.
READING = 1.4


def compile_seconds(target, source, output, extra):
    """CPU seconds of the fastest of three compilations (other work on the machine only adds)."""
    command = [target.compiler, "-std=c++20", "-O3", "-DNDEBUG", *target.flags, "-I", str(compilers.ROOT / "include"), *extra,
               "-c", str(source), "-o", output]
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def slowness(target, folder, extra):
    """How much slower than the budget's machine this one reads the SIMD library; at least 1."""
    source = pathlib.Path(folder) / "reading.cpp"
    source.write_text("#include <xsimd/xsimd.hpp>\n", encoding="utf-8")
    return max(1.0, compile_seconds(target, source, f"{folder}/reading.o", extra) / READING)


def code_bytes(path):
    """The size of every .text section."""
    text = subprocess.run(["size", "-A", "-d", path], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(".text"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default=str(compilers.ROOT / "tests" / "checks" / "one_sgemm.cpp"))
    parser.add_argument("--isa", action="append", help="default: avx2 and avx512 (or neon)")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--bytes", type=int, default=BYTES)
    parser.add_argument("--slack", type=float, default=1.0, help="factor on the seconds, for slower machines")
    parser.add_argument("flags", nargs="*", help="further compiler flags, after --")
    options = parser.parse_args()
    isas = options.isa or ["avx2", "avx512", "neon"]
    failures = 0
    print(f"{'isa':10} {'seconds':>8} {'budget':>7} {'bytes':>8} {'budget':>7}   {pathlib.Path(options.source).name}")
    with tempfile.TemporaryDirectory() as folder:
        for target in (t for t in compilers.targets(cross=False) if t.isa in isas):
            output = f"{folder}/{target.isa}.o"
            budget = options.seconds * options.slack * slowness(target, folder, options.flags)
            seconds = compile_seconds(target, options.source, output, options.flags)
            size = code_bytes(output)
            over = seconds > budget or size > options.bytes
            failures += over
            print(f"{target.isa:10} {seconds:8.2f} {budget:7.2f} {size:8} {options.bytes:7}"
                  + ("   over budget" if over else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
