#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one sgemm costs the program that includes it: time of -O3 and bytes of machine code, against a budget."""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

import compilers

# One gemm<float> with the default epilogue. Machines differ, and a shared one from hour to hour, so the unit of time is what the same compiler takes in
# the same minute to read the SIMD library alone. g++ 12 and xsimd 8.1: about 3 readings for AVX2, 5 for AVX-512.
READINGS, BYTES = 7, 60_000


def compile_seconds(target, source, output, extra, enough=0):
    """CPU seconds of the fastest of three compilations (other work on the machine only adds), or of the first within `enough`."""
    command = [target.compiler, "-std=c++20", "-O3", "-DNDEBUG", *target.flags, "-I", str(compilers.ROOT / "include"), *extra,
               "-c", str(source), "-o", output]
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if best <= enough:
            break
    return best


def reading_seconds(target, folder, extra):
    """What this machine takes to read the SIMD library alone, now."""
    source = pathlib.Path(folder) / "reading.cpp"
    source.write_text("#include <xsimd/xsimd.hpp>\n", encoding="utf-8")
    return compile_seconds(target, source, f"{folder}/reading.o", extra)


def code_bytes(path):
    """The size of every .text section."""
    text = subprocess.run(["size", "-A", "-d", path], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(".text"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default=str(compilers.ROOT / "tests" / "checks" / "one_sgemm.cpp"))
    parser.add_argument("--isa", action="append", help="default: avx2 and avx512 (or neon)")
    parser.add_argument("--readings", type=float, default=READINGS)
    parser.add_argument("--bytes", type=int, default=BYTES)
    parser.add_argument("flags", nargs="*", help="further compiler flags, after --")
    options = parser.parse_args()
    isas = options.isa or ["avx2", "avx512", "neon"]
    failures = 0
    print(f"{'isa':10} {'seconds':>8} {'budget':>7} {'bytes':>8} {'budget':>7}   {pathlib.Path(options.source).name}")
    with tempfile.TemporaryDirectory() as folder:
        for target in (t for t in compilers.targets(cross=False) if t.isa in isas):
            output = f"{folder}/{target.isa}.o"
            budget = options.readings * reading_seconds(target, folder, options.flags)
            seconds = compile_seconds(target, options.source, output, options.flags, budget)
            size = code_bytes(output)
            over = seconds > budget or size > options.bytes
            failures += over
            print(f"{target.isa:10} {seconds:8.2f} {budget:7.2f} {size:8} {options.bytes:7}"
                  + ("   over budget" if over else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
