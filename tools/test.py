# SPDX-License-Identifier: Apache-2.0
"""Builds and runs every test this machine can run: each ISA of its own processor, 64-bit ARM (NEON, and SVE at five vector lengths)
under qemu-user, the address, undefined-behaviour and thread sanitizers, packaging, generated code and compile-time checks."""

import os
import platform
import re
import subprocess
import time

import packages

NATIVE = ["native"]
ARM = ["aarch64-neon", "aarch64-sve"]
SANITIZERS = ["asan+ubsan", "tsan"]
SECOND_CXX = "clang++-19"  # where it is installed
SECOND_CXX_FOR = ["aarch64-neon", *SANITIZERS]  # half of g++ 12's time for NEON, a fifth for sanitizers


def add_arguments(parser):
    parser.add_argument("--quick", action="store_true", help="native build only: no cross build, no sanitizers")
    parser.add_argument("--isa", help="only these ISAs (comma separated): scalar, avx2, highway_avx2, avx512, neon, sve ...")
    parser.add_argument("--filter", help="only the tests whose name matches this regular expression")
    parser.add_argument("--preset", action="append", help="only this preset of CMakePresets.json (repeatable)")
    parser.add_argument("--emulate", action="store_true",
                        help="run AVX-512 under Bochs where this processor lacks it: a minute or more for each test (tools/bochs.py)")
    parser.add_argument("--cxx", help="another compiler for the native builds, such as clang++-19 or g++-14")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="parallel jobs (default: all cores)")


def chosen_presets(options):
    if options.preset:
        return options.preset
    on_arm = platform.machine() in ("aarch64", "arm64")
    presets = NATIVE + ([] if options.quick or on_arm else ARM) + ([] if options.quick else SANITIZERS)
    if options.isa:
        isas = options.isa.split(",")
        of_arm = {vectors: [isa for isa in isas if vectors in isa] for vectors in ("neon", "sve")}
        presets = NATIVE if on_arm or sum(map(len, of_arm.values())) < len(isas) else []
        presets += [] if on_arm else [f"aarch64-{vectors}" for vectors, found in of_arm.items() if found]
    return presets


def install(presets, options):
    packages.ensure(packages.TEST + (packages.EMULATE_AVX512 if options.emulate else []), optional=packages.EMULATE_X86)
    if any(preset in ARM for preset in presets):
        there = packages.ensure([], optional=packages.CROSS_ARM)
        if len(there) < len(packages.CROSS_ARM):
            print("dev: no cross compiler or emulator for 64-bit ARM here; needs " + " ".join(packages.CROSS_ARM))
            presets = [preset for preset in presets if preset not in ARM]
    if any(preset in SECOND_CXX_FOR for preset in presets):
        there = packages.ensure([], optional=packages.SECOND_COMPILER)
        options.second_cxx = SECOND_CXX if len(there) == len(packages.SECOND_COMPILER) else ""
    return presets


def compiler(preset, options):
    """The compiler of the user's choice for native builds, else the second one where it is the preset's, or nothing: CMake's own."""
    chosen = options.cxx if preset not in ARM else ""
    return chosen or (options.second_cxx if preset in SECOND_CXX_FOR else "")


def command(preset, options, root):
    """The three steps of one preset. Another compiler or ISA list gets a build folder of its own."""
    suffix = "".join("-" + re.sub(r"[^\w+.]", "_", value) for value in (options.cxx, options.isa) if value and preset not in ARM)
    folder = root / "build" / (preset + suffix)
    configure = ["cmake", "--preset", preset, "-B", str(folder)]
    if compiler(preset, options):
        configure.append("-DCMAKE_CXX_COMPILER=" + compiler(preset, options))
    configure.append("-DASHLAR_X86_EMULATOR=" + (str(root / "tools" / "bochs.py") if options.emulate and preset not in ARM else ""))
    if options.isa:
        configure.append("-DASHLAR_TEST_ISAS=" + options.isa.replace(",", ";"))
    build = ["cmake", "--build", str(folder), "-j", str(options.jobs), "--", "-k", "0"]  # what does build is tested all the same
    ctest = ["ctest", "--test-dir", str(folder), "--output-on-failure", "-j", str(options.jobs), "--no-tests=ignore"]
    ctest += ["-R", options.filter] if options.filter else []
    return configure, build, ctest


def run_logged(arguments, root, log, echo):
    """Runs, keeps everything in `log`, shows the lines that `echo` accepts; returns (status, text)."""
    lines = []
    with subprocess.Popen(arguments, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            lines.append(line)
            log.write(line)
            if echo(line):
                print("  " + line.rstrip(), flush=True)
    return process.returncode, "".join(lines)


def totals(text):
    """(passed, failed, skipped) of a ctest run."""
    summary = re.search(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)", text)
    if not summary:
        return 0, 0, 0
    failed, all_of_them = int(summary[2]), int(summary[3])
    skipped = len(re.findall(r"\*\*\*Skipped", text))
    return all_of_them - failed - skipped, failed, skipped


def shown(line):
    """Of ctest's lines, those worth a reader's time: failures with their output, skips, and the summary."""
    return re.search(r" Passed +[\d.]+ sec|^ +Start +\d+:|^Test project|^\s*$", line) is None


def errors(text):
    """The lines of a failed configure or build from each failure on, the most useful few."""
    lines = text.splitlines()
    wanted = {j for i, line in enumerate(lines) if re.search(r"^FAILED|error:|CMake Error", line) for j in range(i, i + 8)}
    return "\n".join(line for i, line in enumerate(lines) if i in wanted)[:6000]


def run_preset(preset, options, root):
    configure, build, ctest = command(preset, options, root)
    started = time.monotonic()
    print(f"\n== {preset}: configure, build, test", flush=True)
    log_path = root / "build" / f"{preset}.log"
    log_path.parent.mkdir(exist_ok=True)
    with open(log_path, "w", encoding="utf-8") as log:
        status, text = run_logged(configure, root, log, lambda line: False)
        if status == 0:
            status, text = run_logged(build, root, log, lambda line: False)
        if status != 0:
            print(errors(text) + f"\n== {preset}: does not build; all of it is in {log_path}", flush=True)
        broken = status != 0
        built = time.monotonic()
        status, text = run_logged(ctest, root, log, shown)
    result = totals(text)
    if not any(result) and not options.filter:
        print(f"== {preset}: has no tests, which is an error", flush=True)
        broken = True
    if (status != 0 or broken) and result[1] == 0:
        result = (result[0], 1, result[2])
    print(f"== {preset}: {result[0]} passed, {result[1]} failed, {result[2]} skipped; build {built - started:.0f} s, "
          f"tests {time.monotonic() - built:.0f} s", flush=True)
    return result


def run(options, root):
    presets = install(chosen_presets(options), options)
    results = [run_preset(preset, options, root) for preset in presets]
    passed, failed, skipped = (sum(column) for column in zip(*results)) if results else (0, 0, 0)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
