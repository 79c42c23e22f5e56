#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, included twice, with warnings as errors and without exceptions or RTTI, under the flags of each ISA."""

import argparse
import concurrent.futures
import fnmatch
import os
import sys

import compilers

FLAGS = ("-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti")
# Headers that need an ISA (the first pattern that matches): intrinsics do not compile without it.
ONLY = {
    "dispatch/detect_x86.hpp": {"scalar", "avx2", "avx512"},
    "dispatch/detect_arm.hpp": {"neon", "sve"},
    "isa/avx2.hpp": {"avx2", "avx512"},
    "isa/avx512.hpp": {"avx512"},
    "isa/neon.hpp": {"neon", "sve"},
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
    # The last ISA of a processor is the widest. Only what mentions ISAs, and what includes everything, can differ for the others.
    widest = {compiler: target for target in targets for compiler in [target.compiler]}.values()
    return [(header, target) for header in headers for target in targets if wanted(header, target)
            and (target in widest or (all_isas and ("/" not in header or header.startswith(("isa/", "dispatch/")))))]


def check(job):
    header, target = job
    status, text = compilers.compile_text(target, f"#include <ashlar/{header}>\n#include <ashlar/{header}>\n", *FLAGS)
    return "" if status == 0 else f"{header} for {target.isa} ({target.compiler}):\n{text}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all-isas", action="store_true", help="cross compilers and every ISA (default: the widest)")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    work = jobs(options.all_isas)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        failures = [text for text in pool.map(check, work) if text]
    print("\n".join(failures) + f"{len(work) - len(failures)} of {len(work)} (header, ISA) pairs compile alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
