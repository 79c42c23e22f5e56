#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C++ block of README.md and docs/ compiles, and excerpts of files are still in those files.

    ```cpp program         a whole program: compiled and run; it must end with status 0
    ```cpp                 statements: compiled inside a function, with the names of docs_prelude.hpp
    ```cpp scope           declarations: compiled at namespace scope; later blocks of the page may use them
    ```cpp excerpt=FILE    lines of FILE: each of them must occur there, spaces apart

Links to files of the repository are followed too: what they name must exist.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import compilers

ROOT = compilers.ROOT
PRELUDE = pathlib.Path(__file__).resolve().parent / "docs_prelude.hpp"
WARNINGS = ("-Wall", "-Wextra", "-Werror")
# A fragment shows a call, not what becomes of its status.
FRAGMENT = ("-fsyntax-only", *WARNINGS, "-Wno-unused-result", "-Wno-unused-variable", "-Wno-unused-but-set-variable")


@dataclasses.dataclass
class Block:
    page: pathlib.Path
    line: int  # of its first line of code
    kind: str  # program, scope, excerpt=..., or nothing
    text: str


def blocks(page):
    """The C++ blocks of one page."""
    found, start, kind, lines = [], 0, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not start:
            fence = re.match(r"^\s*```cpp *(\S*)\s*$", line)
            if fence:
                start, kind, lines = number + 1, fence[1], []
        elif line.strip() == "```":
            found.append(Block(page, start, kind, "\n".join(lines)))
            start = 0
        else:
            lines.append(line)
    return found


def fragments(page, parts):
    """One translation unit of all fragments of a page; diagnostics name the page and its line."""
    text = []
    for number, block in enumerate(parts):
        where = f'#line {block.line} "{page.name}"\n'
        if block.kind == "scope":
            text.append(f"{where}{block.text}\n")
        else:
            text.append(f"[[maybe_unused]] void block_{number}() {{\n  ASHLAR_DOCS_NAMES\n{where}{block.text}\n}}\n")
    return "".join(text)


def without_spaces(text):
    return re.sub(r"\s+", "", text)


def missing_lines(block):
    """The lines of an excerpt that its file does not have (any more)."""
    source = ROOT / block.kind.removeprefix("excerpt=")
    if not source.exists():
        return [f"{source.relative_to(ROOT)} does not exist"]
    have = {without_spaces(line) for line in source.read_text(encoding="utf-8").splitlines()}
    return [f"not in {source.relative_to(ROOT)}: {line.strip()}" for line in block.text.splitlines()
            if line.strip() not in ("", "...") and without_spaces(line) not in have]


def run_program(target, block, folder):
    program = pathlib.Path(folder) / "program"
    status, output = compilers.compile_text(target, f'#line {block.line} "{block.page.name}"\n{block.text}\n', "-O1", "-pthread", *WARNINGS,
                                            "-o", str(program))
    if status != 0:
        return output
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{block.page.name}:{block.line}: status {done.returncode}: {done.stdout}{done.stderr}"


def broken_links(page):
    """Relative links to what is not there."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if "://" not in link and not (page.parent / link).exists():
            yield f"{page.name}: links to {link}, which does not exist"


def check(page, targets, preludes):
    found = blocks(page)
    faults = list(broken_links(page))
    for block in found:
        if block.kind.startswith("excerpt="):
            faults += [f"{page.name}:{block.line}: {text}" for text in missing_lines(block)]
        elif block.kind == "program":
            with tempfile.TemporaryDirectory() as folder:
                faults.append(run_program(targets[0], block, folder))
        elif block.kind not in ("", "scope"):
            faults.append(f"{page.name}:{block.line}: a block of unknown kind '{block.kind}'")
    parts = [block for block in found if block.kind in ("", "scope")]
    for target in targets if parts else ():
        status, output = compilers.compile_text(target, fragments(page, parts), *preludes[target], *FRAGMENT)
        if status != 0:
            faults.append(f"{page.name} for {target.isa}:\n{output}")
    return len(found), [text for text in faults if text]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="default: README.md and docs/")
    options = parser.parse_args()
    pages = [pathlib.Path(page).resolve() for page in options.pages] or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    native = [target for target in compilers.targets(cross=False) if not target.isa.startswith("highway_")]
    targets = [native[0], native[-1]]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        preludes = {target: ("-include", str(PRELUDE)) for target in targets}
        for target in targets if len(pages) > 1 else ():
            preludes[target] = compilers.precompile(target, PRELUDE.read_text(encoding="utf-8"), folder, *FRAGMENT) or preludes[target]
        results = list(pool.map(lambda page: check(page, targets, preludes), pages))
    total, faults = sum(count for count, _ in results), [text for _, wrong in results for text in wrong]
    print("\n".join(faults) + ("\n" if faults else "") + f"{total} blocks of {len(pages)} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
