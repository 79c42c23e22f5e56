# SPDX-License-Identifier: Apache-2.0
"""Everything that a visit to a GPU machine should show, in one go of about 15 minutes: builds the device tests and the benchmarks, runs
the tests, the memory and race checkers, and the comparison with cuBLASLt and cuDNN. Needs nvcc, CMake and Ninja; cuDNN is optional."""

import os
import shutil
import subprocess
import sys

SANITIZED = ["device_sm90_conv", "device_gemm"]  # small enough for the race checker
QUICK = {
    "gemm": ["^square/(bf16|f16|e4m3_fast|s8|tf32|f64)/tn/", "^square/f32/", "^k512/bf16", "^epilogue/bf16", "^odd/bf16", "^small_m/bf16"],
    "conv": ["^resnet/bf16/n32_[^/]*$", "^resnet/bf16/n256_[^/]*_3x3_s1$", "^depthwise/"],
}


def add_arguments(parser):
    parser.add_argument("--bench-only", action="store_true", help="no tests, no checkers")
    parser.add_argument("--filter", help="only the benchmark problems whose name matches")
    parser.add_argument("--seconds", default="0.2", help="of timed replays for each problem (default: %(default)s)")
    parser.add_argument("--out", default="build/gpu", help="folder for builds, logs and JSON (default: %(default)s)")


def run(command, root, log=None, **more):
    print("== " + " ".join(str(c) for c in command), flush=True)
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            print("  " + line.rstrip(), flush=True)
    if log:
        log.write_text("".join(lines), encoding="utf-8")
    return process.returncode


def build(root, out, tests):
    """Both trees; ninja runs them in parallel by itself."""
    jobs = ["-j", str(os.cpu_count())]
    failed = 0
    if tests:
        configure = ["cmake", "-S", ".", "-B", str(out / "tests"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DASHLAR_TEST_CUDA=ON",
                     "-DASHLAR_BUILD_EXAMPLES=OFF", "-DASHLAR_TEST_ISAS=scalar"]
        failed += run(configure, root) != 0
        names = sorted(path.name[:-len("_test.cu")] for path in (root / "tests" / "cuda").glob("device_*_test.cu"))
        failed += run(["cmake", "--build", str(out / "tests"), *jobs, "--target", *["cuda." + name for name in names]], root) != 0
    failed += run(["cmake", "-S", "bench/cuda", "-B", str(out / "bench"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"], root) != 0
    failed += run(["cmake", "--build", str(out / "bench"), *jobs], root) != 0
    return failed


def check(root, out):
    failed = run(["ctest", "--test-dir", str(out / "tests"), "-R", r"^cuda\.device", "--output-on-failure", "--timeout", "300"], root, out / "tests.log") != 0
    if shutil.which("compute-sanitizer") is None:
        print("== skipped: compute-sanitizer is not here")
        return failed
    for tool in ("memcheck", "racecheck", "synccheck"):
        for name in SANITIZED:
            command = ["timeout", "120", "compute-sanitizer", "--tool", tool, "--error-exitcode", "9", str(out / "tests" / "tests" / "cuda" / ("cuda." + name))]
            failed += run(command, root, out / f"{tool}.{name}.log") not in (0, 77)
    return failed


def measure(options, root, out):
    failed = 0
    for program, filters in QUICK.items():
        binary = out / "bench" / f"ashlar_cuda_{program}"
        if not binary.exists():
            print(f"== skipped: {binary.name} was not built")
            continue
        for i, pattern in enumerate([options.filter] if options.filter else filters):
            command = [str(binary), "--filter=" + pattern, "--seconds=" + options.seconds, f"--json={out}/{program}.{i}.json"]
            failed += run(command, root, out / f"{program}.{i}.log") not in (0, 77)
    return failed


def run_all(options, root):
    out = (root / options.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    missing = [tool for tool in ("cmake", "ninja") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"dev gpu: needs {', '.join(missing)}")
    failed = build(root, out, tests=not options.bench_only)
    if not options.bench_only:
        failed += check(root, out)
    failed += measure(options, root, out)
    print(f"\n{'passed' if failed == 0 else f'{failed} steps failed'}; logs and JSON are in {out}")
    return 0 if failed == 0 else 1
