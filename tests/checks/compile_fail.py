#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mistakes do not compile, and the compiler's output names the mistake.

Each tests/compile_fail/*.cpp says in its first comment what the output must contain, and may name an ISA and flags:

    // expect: this tile shape needs more vector registers than the ISA has
    // isa: avx2
    // flags: -fno-rtti

The part between #ifdef MISTAKE and #endif holds the mistake: without it the file must compile, so that it fails for that reason alone.
"""

import argparse
import concurrent.futures
import os
import re
import sys
import tempfile

import compilers

FLAGS = ("-fsyntax-only", "-Wall", "-Wextra", "-Werror")


def directive(text, name, default=""):
    found = re.search(rf"^// {name}: *(.+?) *$", text, re.M)
    return found[1] if found else default


def check(path, precompiled):
    """(name, what is wrong or '', the diagnostic line that carries the expected text)."""
    text = path.read_text(encoding="utf-8")
    expected, isa = directive(text, "expect"), directive(text, "isa", "scalar")
    if not expected or "#ifdef MISTAKE" not in text:
        return path.name, "has no '// expect: ...' line or no '#ifdef MISTAKE'", ""
    target = next((t for t in compilers.targets() if t.isa == isa), None)
    if target is None:
        return path.name, "", f"(no compiler here for {isa})"
    own = directive(text, "flags").split()
    flags = (*FLAGS, *own, *(() if own else precompiled.get(target, ())))
    source = f'#line 1 "{path.name}"\n{text}'
    status, output = compilers.compile_text(target, source, *flags)
    if status != 0:
        return path.name, f"does not compile even without its mistake:\n{output}", ""
    status, output = compilers.compile_text(target, source, *flags, "-DMISTAKE")
    if status == 0:
        return path.name, "compiles, mistake and all", ""
    lines = [line for line in output.splitlines() if expected in line and re.search(r"error:|note:", line)]
    if not lines:
        return path.name, f"fails without saying '{expected}':\n{output}", ""
    return path.name, "", lines[0].strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=str(compilers.ROOT / "tests" / "compile_fail"))
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    files = sorted(compilers.pathlib.Path(options.folder).glob("*.cpp"))
    # Nearly all are for one ISA and include what takes long to read.
    many = [target for target in compilers.targets() if sum(f"// isa: {target.isa}\n" in path.read_text(encoding="utf-8") for path in files) > 3]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool, tempfile.TemporaryDirectory() as folder:
        precompiled = {target: compilers.precompile(target, "#include <ashlar/gemm.hpp>\n", folder, *FLAGS) for target in many}
        results = list(pool.map(lambda path: check(path, precompiled), files))
    for name, wrong, line in results:
        print(f"{name}: {wrong or line}")
    failures = sum(bool(wrong) for _, wrong, _ in results)
    print(f"{len(results) - failures} of {len(results)} mistakes are refused in their own words")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
