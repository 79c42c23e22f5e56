#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, included twice, with warnings as errors and without exceptions or RTTI, under the flags of each ISA.

A SIMD library takes seconds to read: a header that includes it, by whatever way, starts from a precompiled one, which hides nothing that
the header itself would not have had.
"""

import argparse
import concurrent.futures
import fnmatch
import os
import sys
import tempfile

import compilers
import layering

FLAGS = ("-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wold-style-cast", "-Werror", "-fno-exceptions", "-fno-rtti")
# Headers that need an ISA (the first pattern that matches): intrinsics do not compile without it.
ONLY = {
    "dispatch/detect_x86.hpp": {"scalar", "avx2", "avx512"},
    "dispatch/detect_arm.hpp": {"neon", "sve"},
    "isa/avx2.hpp": {"avx2", "avx512"},
    "isa/avx512.hpp": {"avx512"},
    "isa/dot_madd.hpp": {"avx2", "avx512"},
    "isa/dot_vnni.hpp": {"avx2", "avx512"},
    "isa/neon.hpp": {"neon", "sve"},
    "isa/dot_arm.hpp": {"neon", "sve"},
    "isa/xsimd.hpp": {"avx2", "avx512", "neon", "sve"},
    "isa/highway.hpp": {"avx2", "avx512", "neon", "sve"},
}


def wanted(header, target):
    for pattern, isas in ONLY.items():
        if fnmatch.fnmatch(header, pattern):
            return target.isa in isas and (target.isa != "scalar" or target.compiler != compilers.CROSS_ARM)
    return True


def jobs(all_isas):
    folder = compilers.ROOT / "include" / "ashlar"
    headers = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.hpp"))
    targets = [target for target in compilers.targets(cross=all_isas) if not target.isa.startswith("highway_")]
    # One ISA of each processor is enough for most (SVE's intrinsics cannot be precompiled, so NEON). Only what mentions ISAs, and what
    # includes everything, can differ for the others.
    widest = {target.compiler: target for target in targets if target.isa != "sve"}.values()
    return [(header, target) for header in headers for target in targets if wanted(header, target)
            and (target in widest or (all_isas and ("/" not in header or header.startswith(("isa/", "dispatch/")))))]


def adapter(target):
    """The header through which the ISA's operations reach a SIMD library."""
    return {"scalar": "", "sve": "isa/highway.hpp"}.get(target.isa, "isa/xsimd.hpp")


def reaches(header, wanted, folder, seen):
    """Does `header` include `wanted`, however deep?"""
    if header in seen or not (folder / header).exists():
        return False
    seen.add(header)
    text = (folder / header).read_text(encoding="utf-8")
    inside = [name.removeprefix("ashlar/") for _, name in layering.INCLUDE.findall(text) if name.startswith("ashlar/")]
    return header == wanted or any(reaches(name, wanted, folder, seen) for name in inside)


def check(header, target, precompiled):
    first = ()
    if header != adapter(target) and reaches(header, adapter(target), compilers.ROOT / "include" / "ashlar", set()):
        first = precompiled[target]
    status, text = compilers.compile_text(target, f"#include <ashlar/{header}>\n#include <ashlar/{header}>\n", *first, *FLAGS)
    return "" if status == 0 else f"{header} for {target.isa} ({target.compiler}):\n{text}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all-isas", action="store_true", help="cross compilers and every ISA (default: the widest)")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    work = jobs(options.all_isas)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool, tempfile.TemporaryDirectory() as folder:
        targets = sorted({target for _, target in work if adapter(target)}, key=str)
        starts = pool.map(lambda target: compilers.precompile(target, f"#include <ashlar/{adapter(target)}>\n", folder, *FLAGS), targets)
        precompiled = dict(zip(targets, starts))
        failures = [text for text in pool.map(lambda job: check(*job, precompiled), work) if text]
    print("\n".join(failures) + f"{len(work) - len(failures)} of {len(work)} (header, ISA) pairs compile alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
