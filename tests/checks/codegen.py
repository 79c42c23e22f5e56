#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the compiler made of a micro-kernel: no stack reference in its hot loop, and exactly the multiply-adds the tile says.

    codegen.py objects... --match REGEX --expect 'REGEX=COUNT' ...

Disassembles (objdump, x86-64 or AArch64), takes every function whose demangled name matches --match, finds its hot loop (the innermost
loop with the most multiply-adds; the body between a backward branch and its target), and fails on a stack reference there. --expect
pairs a pattern with the number of multiply-adds that the loop must hold; --product takes it from the name itself, as the product of the
numbers that the pattern captures (register_tile<ops, 6, 2, 4, ...>: 48); with --pairs the first one, its rows, counts as an even number.
--multiple accepts a multiple of either.
"""

import argparse
import dataclasses
import math
import re
import shutil
import subprocess
import sys

FMA = re.compile(r"^(vfn?m(add|sub)\d+[ps][sd]|f(n?ml[as]|madd)|fn?mad|fml[as]|[us]dot|vpmaddwd|vpdp\w+|vdpbf16ps|[us]mmla|usmmla|bfmmla|fmlal2?|bfmlal[bt])$")
STACK = {"x86": re.compile(r"%[er]?sp\b"), "arm": re.compile(r"\[sp\b")}
# The frame pointer is the stack too, in functions that set it up; elsewhere it is a register like any other.
FRAME = {"x86": re.compile(r"%[er]?bp\b"), "arm": re.compile(r"\[x29\b")}
FRAME_SETUP = {"x86": re.compile(r"^mov %rsp,%rbp$"), "arm": re.compile(r"^mov x29, sp$")}
BRANCH = {"x86": re.compile(r"^j\w+$"), "arm": re.compile(r"^(b|b\.\w+|cbn?z|tbn?z)$")}


@dataclasses.dataclass
class Instruction:
    address: int
    mnemonic: str
    operands: str


def disassemble(path):
    """(architecture, {function name: instructions}) of one object file."""
    header = subprocess.run(["objdump", "-f", path], capture_output=True, text=True, check=False).stdout
    arm = "aarch64" in header or "UNKNOWN" in header
    tool = "aarch64-linux-gnu-objdump" if arm and shutil.which("aarch64-linux-gnu-objdump") else "objdump"
    command = [tool, "-d", "-C", "--no-show-raw-insn", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    functions, current = {}, None
    for line in text.splitlines():
        head = re.match(r"^[0-9a-f]+ <(.+)>:$", line)
        if head:
            current = functions.setdefault(head[1], [])
            continue
        body = re.match(r"^\s*([0-9a-f]+):\s+(?:(?:rep|lock|notrack|bnd|\{vex\}) )?(\S+)\s*(.*)$", line)
        if body and current is not None:
            current.append(Instruction(int(body[1], 16), body[2], body[3]))
    return ("arm" if arm else "x86"), functions


def loops(instructions, architecture):
    """The bodies between each backward branch and its target."""
    position = {instruction.address: i for i, instruction in enumerate(instructions)}
    for i, instruction in enumerate(instructions):
        if BRANCH[architecture].match(instruction.mnemonic):
            target = re.search(r"\b([0-9a-f]+) <", instruction.operands)
            start = position.get(int(target[1], 16)) if target else None
            if start is not None and start <= i:
                yield start, i


def count_fma(body):
    return sum(bool(FMA.match(instruction.mnemonic)) for instruction in body)


def hot_loop(instructions, architecture):
    """The innermost loop with the most multiply-adds, or None."""
    ranges = sorted(set(loops(instructions, architecture)), key=lambda r: r[1] - r[0])
    innermost = [r for r in ranges if not any(s[0] >= r[0] and s[1] <= r[1] and s != r for s in ranges)]
    bodies = [instructions[first:last + 1] for first, last in innermost]
    return max(bodies, key=count_fma, default=None)


def stack_references(instructions, body, architecture):
    framed = any(FRAME_SETUP[architecture].match(f"{i.mnemonic} {i.operands}") for i in instructions)
    patterns = [STACK[architecture]] + ([FRAME[architecture]] if framed else [])
    return [i for i in body if any(p.search(i.operands) for p in patterns) and not i.mnemonic.startswith("nop")]


def expected_counts(name, expectations, products, pairs=False):
    """Every multiply-add count that the options ask of this function."""
    counts = [count for pattern, count in expectations if re.search(pattern, name)]
    captured = [[int(number) for number in match.groups()] for match in (re.search(pattern, name) for pattern in products) if match]
    if pairs:
        captured = [[rows + rows % 2, *others] for rows, *others in captured]
    return counts + [math.prod(numbers) for numbers in captured]


def loads_address(instruction):
    """Is it a load of one general register?"""
    return instruction.mnemonic == "ldr" and instruction.operands.startswith("x")


def judge(name, instructions, architecture, expected, multiple, reloads=0):
    """(table row, faults) of one function."""
    body = hot_loop(instructions, architecture)
    if body is None or count_fma(body) == 0:
        return None, ["has no loop with multiply-adds"] if expected else []
    fma, stack = count_fma(body), stack_references(instructions, body, architecture)
    few = len(stack) <= reloads and all(loads_address(i) for i in stack)
    faults = [] if few else [f"stack reference in the hot loop: {i.mnemonic} {i.operands}" for i in stack]
    for count in expected:
        if fma % count if multiple else fma != count:
            faults.append(f"{fma} multiply-adds in the hot loop, expected {'a multiple of ' if multiple else ''}{count}")
    return (len(body), fma, len(stack)), faults


def short(name):
    """A demangled name without what every kernel's name repeats."""
    return re.sub(r"\(.*\)$", "()", name.replace("ashlar::", ""))[:160]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="+")
    parser.add_argument("--match", default="micro_kernel|register_tile", help="regular expression of the functions to look at")
    parser.add_argument("--expect", action="append", default=[], metavar="REGEX=COUNT")
    parser.add_argument("--product", action="append", default=[], metavar="REGEX")
    parser.add_argument("--pairs", action="store_true", help="of --product: the first number is rounded up to an even one")
    parser.add_argument("--multiple", action="store_true", help="a multiple of COUNT will do (unrolled loops)")
    parser.add_argument("--allow", action="append", default=[], metavar="REGEX", help="functions that may use the stack (say why where used)")
    parser.add_argument("--reloads", type=int, default=0, help="so many addresses may be loaded from the stack in a loop (AArch64; say why where used)")
    parser.add_argument("-q", "--quiet", action="store_true", help="print faults only")
    options = parser.parse_args()
    expected = [(pattern, int(count)) for pattern, count in (e.rsplit("=", 1) for e in options.expect)]
    unmatched = {pattern for pattern, _ in expected}
    faults, looked_at = [], 0
    if not options.quiet:
        print(" instr   fma stack  function")
    for path in options.objects:
        architecture, functions = disassemble(path)
        for name, instructions in functions.items():
            if not re.search(options.match, name):
                continue
            unmatched -= {pattern for pattern in unmatched if re.search(pattern, name)}
            counts = expected_counts(name, expected, options.product, options.pairs)
            row, wrong = judge(name, instructions, architecture, counts, options.multiple, options.reloads)
            looked_at += row is not None
            if row and not options.quiet:
                print(f"{row[0]:6} {row[1]:5} {row[2]:5}  {short(name)}")
            if not any(re.search(pattern, name) for pattern in options.allow):
                faults += [f"{short(name)}: {text}" for text in wrong]
    faults += [f"no function matches --expect {pattern}" for pattern in sorted(unmatched)]
    print("\n".join(faults) + ("\n" if faults else "") + f"{looked_at} hot loops, {len(faults)} faults")
    return 1 if faults or looked_at == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
