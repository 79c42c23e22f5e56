#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No symbol of an ISA object may replace another's: the one-definition rule in programs that mix -m flags.

The linker keeps one copy of each weak symbol, perhaps the one compiled for the larger ISA. So in object files compiled for an ISA:
every weak or unique symbol of the library carries an ISA tag in its name (ashlar::isa::...) or is data that is the same everywhere
(--allow adds patterns); weak symbols of others (std::) are refused too unless --allow-others; and nothing runs before main.
"""

import argparse
import re
import subprocess
import sys

# Constant data, equal in every unit: variables (V, u) whose names are tables or traits of the language, never code.
ALWAYS_ALLOWED = [r"^typeinfo ", r"^vtable for ", r"^guard variable for ", r"^DW\.ref\."]
TAG = "ashlar::isa::"
INITIALISER = re.compile(r"_GLOBAL__sub_I|__static_initialization_and_destruction|__cxx_global_var_init")


def symbols(path):
    """(kind, demangled name) of every defined symbol."""
    text = subprocess.run(["nm", "-C", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        found = re.match(r"[0-9a-f]+ (\w) (.+)$", line)
        if found:
            yield found[1], found[2]


def untagged(path, allowed, others):
    for kind, name in symbols(path):
        if INITIALISER.search(name):
            yield f"{path}: runs before main: {name}"
        if kind not in "WVu" or TAG in name or any(re.search(pattern, name) for pattern in allowed):
            continue
        if kind in "Vu" and name.startswith("ashlar::"):
            continue  # constexpr data, initialised by the compiler
        if "ashlar::" in name or not others:
            yield f"{path}: weak symbol without an ISA tag: {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="+")
    parser.add_argument("--allow", action="append", default=[], help="regular expression of symbol names that may be weak and untagged")
    parser.add_argument("--allow-others", action="store_true", help="do not judge weak symbols that are not ashlar's")
    options = parser.parse_args()
    allowed = ALWAYS_ALLOWED + options.allow
    found = [line for path in options.objects for line in untagged(path, allowed, options.allow_others)]
    seen = sum(1 for path in options.objects for kind, _ in symbols(path) if kind in "WVu")
    print("\n".join(found) + ("\n" if found else "") + f"{seen} weak symbols in {len(options.objects)} objects, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
