# SPDX-License-Identifier: Apache-2.0
"""Checks that need no run: clang-format, clang-tidy, the layering of the includes, and every header compiled alone under every ISA."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

import packages

FORMAT, TIDY = "clang-format-19", "clang-tidy-19"  # one version, so that every machine formats alike
STEPS = ("format", "layering", "headers", "tidy")


def add_arguments(parser):
    parser.add_argument("steps", nargs="*", metavar="STEP", help="of " + ", ".join(STEPS) + " (default: all)")
    parser.add_argument("--fix", action="store_true", help="let clang-format rewrite the files")
    parser.add_argument("--base", default="", help="clang-format only the files that differ from this commit")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="parallel jobs (default: all cores)")


def sources(root, *folders, base=""):
    """The C++ files that git knows (or would add) in these folders."""
    listing = ["git", "-C", str(root), "-c", f"safe.directory={root}"]
    listing += ["diff", "--name-only", "--diff-filter=d", base, "--"] if base else ["ls-files", "-co", "--exclude-standard", "--"]
    names = subprocess.run([*listing, *folders], capture_output=True, text=True, check=True).stdout.split()
    return sorted(name for name in names if name.endswith((".hpp", ".cpp", ".cuh", ".cu")) and (root / name).exists())


def run_tool(arguments, root):
    done = subprocess.run(arguments, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check_format(options, root):
    if shutil.which(FORMAT) is None:
        return None, f"{FORMAT} is not installed"
    files = sources(root, "include", "cuda", "tests", "bench", "examples", base=options.base)
    if not files:
        return 0, ""
    mode = ["-i"] if options.fix else ["--dry-run", "-Werror"]
    return run_tool([FORMAT, *mode, *files], root)


def check_layering(_options, root):
    return run_tool([sys.executable, "-B", "tests/checks/layering.py"], root)


def check_headers(options, root):
    return run_tool([sys.executable, "-B", "tests/checks/headers.py", "--all-isas", "-j", str(options.jobs)], root)


def check_tidy(options, root):
    if shutil.which(TIDY) is None:
        return None, f"{TIDY} is not installed"
    folder = root / "build" / "tidy"
    status, text = run_tool(["cmake", "--preset", "native", "-B", str(folder), "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"], root)
    if status != 0:
        return status, text
    files = [name for name in sources(root, "tests") if name in tidy_units(root)]
    tidy = [TIDY, "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", str(folder)]  # g++ has warnings of its own
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(lambda name: run_tool([*tidy, name], root), files))
    failed = [text for status, text in runs if status != 0]
    return len(failed), "\n".join(failed)


def tidy_units(root):
    """The translation units that clang-tidy reads: tests/tidy_units.txt names enough of them to reach every header."""
    listed = (root / "tests" / "tidy_units.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in listed if line.strip() and not line.startswith("#")]


def run(options, root):
    unknown = [step for step in options.steps if step not in STEPS]
    if unknown:
        sys.exit(f"dev check: unknown step {unknown[0]}; there are {', '.join(STEPS)}")
    packages.ensure(packages.BUILD + ["git"], optional=[FORMAT, TIDY, "doctest-dev", "libtbb-dev", "g++-aarch64-linux-gnu"])
    checks = {"format": check_format, "layering": check_layering, "headers": check_headers, "tidy": check_tidy}
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for step in options.steps or STEPS:
        status, text = checks[step](options, root)
        word = "skipped" if status is None else "failed" if status else "passed"
        count[word] += 1
        print(f"== {step}: {word}" + (f"\n{text.rstrip()}" if text.strip() and word != "passed" else ""), flush=True)
    print(f"\n{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0
