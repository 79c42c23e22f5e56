#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/run.py: builds and runs the benchmarks of one ISA and prints tables; `./dev bench` passes its arguments on to it.

    ./dev bench --quick                          a fair sample of every family, under 3 minutes
    ./dev bench --suite conv                     all convolution layers of twelve networks
    ./dev bench --family squares,3x3             whole families, of either suite
    ./dev bench --variant cold,chain             convolutions with other weights each call; there and back
    ./dev bench --filter 'small_m/f32/prepacked/8x' --json result.json
    ./dev bench --threads 2 --filter 'squares/f32/plain/(1024|2048)x'

The tables come from tables.py and conv_tables.py; the JSON is Google Benchmark's, with the medians of every library as
counters; of two suites it is a list of two.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import conv_tables
import tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAMILIES = {
    "gemm": ["squares", "small_m", "skinny", "odd", "bert", "attention", "conv", "squares_f64", "tiny", "transposed",
             "squares_u8s8", "small_m_u8s8", "skinny_u8s8", "odd_u8s8", "bert_u8s8", "squares_bf16", "small_m_bf16", "bert_bf16"],
    "conv": ["1x1", "3x3", "3x3s2", "7x7", "5x5_1x7", "depthwise", "grouped", "dilated", "1x1_u8s8", "3x3_u8s8", "3x3s2_u8s8",
             "7x7_u8s8", "depthwise_u8s8", "backward_data", "backward_weights"],
}
VARIANTS = {"gemm": ["plain", "prepacked", "fixed"], "conv": ["warm", "cold", "chain"]}
TABLES = {"gemm": tables, "conv": conv_tables}
PEERS = ["openblas", "blis", "mkl", "onednn", "libxsmm", "eigen", "xnnpack", "onnxruntime"]


def best_isa():
    """The widest ISA that this machine executes."""
    if platform.machine() in ("aarch64", "arm64"):
        words = pathlib.Path("/proc/cpuinfo").read_text().split()
        if "sve" in words:
            if "svei8mm" in words:
                return "sve_bf16" if "svebf16" in words else "sve_i8mm"
            return "sve"
        if "i8mm" in words:
            if "bf16" in words:
                return "neon_fhm" if "asimdfhm" in words else "neon_bf16"
            return "neon_i8mm"
        return "neon_dot" if "asimddp" in words else "neon"
    words = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= words:
        if "avx512_vnni" in words:
            return "avx512_bf16" if "avx512_bf16" in words else "avx512_vnni"
        return "avx512"
    if {"avx2", "fma", "avx_vnni"} <= words:
        return "avx_vnni"
    return "avx2" if {"avx2", "fma"} <= words else "scalar"


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="dev bench", description="Ashlar beside other libraries: interleaved, one process, medians.",
        epilog="Problem names, for --filter: FAMILY/TYPE/VARIANT/SHAPE[/LABEL], e.g. squares/f32/plain/512x512x512 or "
               "3x3/f32/warm/1x56x56x64-64-3x3. "
               "Pip's MKL is found through ASHLAR_PEER_MKL=<path of libmkl_rt.so.N>.")
    parser.add_argument("--quick", action="store_true", help="a sample of every family in under 3 minutes")
    parser.add_argument("--suite", default="all", choices=["gemm", "conv", "all"], help="(default: %(default)s)")
    for name, known in (("family", FAMILIES), ("variant", VARIANTS)):
        parser.add_argument("--" + name, help="separated by commas; " + "; ".join(f"{s}: {' '.join(v)}" for s, v in known.items()))
    parser.add_argument("--filter", metavar="REGEX", help="problems whose name contains a match")
    parser.add_argument("--isa", default=best_isa(), help="scalar, avx2, avx_vnni, avx512, avx512_vnni, avx512_bf16, neon, neon_dot, neon_i8mm, neon_bf16, neon_fhm, sve, sve_i8mm, sve_bf16 (default: %(default)s)")
    parser.add_argument("--peers", default="all", help="all, none, or names: " + ",".join(PEERS))
    parser.add_argument("--threads", type=int, default=1, help="with 2 or more, a table of the scaling is added")
    parser.add_argument("--core", type=int, default=min(1, os.cpu_count() - 1),
                        help="first core to stay on; -1: any (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, help="interleaved rounds (default: 11, with --quick 3)")
    parser.add_argument("--sample-ms", type=float, help="time of each side in a round (default: 20, with --quick 3)")
    parser.add_argument("--no-own", action="store_true", help="the peers alone")
    parser.add_argument("--json", metavar="FILE", help="keep the raw medians and quartiles")
    parser.add_argument("--show", metavar="FILE", help="only print the tables of such a file")
    parser.add_argument("--build-dir", default=str(ROOT / "build" / "bench"), help="where to build (default: %(default)s)")
    parser.add_argument("--no-build", action="store_true", help="use what is in the build directory")
    options = parser.parse_args(arguments)
    options.suites = [options.suite] if options.suite != "all" else list(FAMILIES)
    for what, given, known in (("family", options.family, FAMILIES), ("variant", options.variant, VARIANTS)):
        wanted = set((given or "").split(",")) - {""}
        unknown = wanted - {name for suite in options.suites for name in known[suite]}
        if unknown:
            parser.error(f"unknown {what} '{unknown.pop()}'; there are {', '.join(n for s in options.suites for n in known[s])}")
        if wanted:
            options.suites = [s for s in options.suites if wanted & set(known[s])]
    if not options.suites:
        parser.error("no family has such a variant")
    options.repetitions = options.repetitions or (3 if options.quick else 11)
    options.sample_ms = options.sample_ms or (3 if options.quick else 20)
    if options.core >= 0 and options.core + options.threads > os.cpu_count():
        options.core = -1 if options.threads > os.cpu_count() else 0
    return options


def build(options):
    """Configures, for other peers may have come since, and builds the executables of this ISA and all peers."""
    configure = ["cmake", "-G", "Ninja", "-S", str(ROOT), "-B", options.build_dir, "-DCMAKE_BUILD_TYPE=Release", "-DASHLAR_BUILD_BENCH=ON",
                 "-DASHLAR_BUILD_TESTS=OFF", "-DASHLAR_BUILD_EXAMPLES=OFF"]
    print("configuring", options.build_dir, flush=True)
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    targets = [f"ashlar_bench_{suite}_{options.isa}" for suite in options.suites] + [f"ashlar_bench_peers_{options.isa}"]
    print("building", " ".join(targets), flush=True)
    subprocess.run(["cmake", "--build", options.build_dir, "--parallel", "--target", *targets], check=True, stdout=subprocess.DEVNULL)


def find_mkl():
    """Pip's mkl wheel puts its libraries beside the environment's, where the loader does not look."""
    for prefix in (sys.prefix, os.path.expanduser("~/.local")):
        for path in sorted(pathlib.Path(prefix, "lib").glob("libmkl_rt.so.*")):
            return str(path)
    return None


def command_line(options, suite, out):
    folder = pathlib.Path(options.build_dir) / "bench"
    command = [str(folder / f"ashlar_bench_{suite}_{options.isa}"), f"--peer_folder={folder / 'peers'}", f"--peers={options.peers}",
               f"--threads={options.threads}", f"--core={options.core}", f"--rounds={options.repetitions}",
               f"--sample_ms={options.sample_ms}", f"--benchmark_out={out}"]
    if options.quick:
        command.append("--quick")
    if options.no_own:
        command.append("--no_own")
    if options.family:
        command.append(f"--family={options.family}")
    if options.variant:
        command.append(f"--variant={options.variant}")
    if options.filter:
        command.append(f"--benchmark_filter=machine/|{options.filter}")
    return command


def has_problems(command):
    names = subprocess.run([*command, "--list", "--benchmark_list_tests=true"], check=True, capture_output=True, text=True)
    return any(line and not line.startswith("machine/") for line in names.stdout.splitlines())


def measure(options, suite, folder):
    """Runs one suite; its JSON document, or None where no problem of it was asked for."""
    environment = dict(os.environ)
    out = pathlib.Path(folder, suite + ".json")
    mkl = find_mkl()
    if mkl:
        environment.setdefault("ASHLAR_PEER_MKL", mkl)
    command = command_line(options, suite, out)
    if not os.access(command[0], os.X_OK):
        sys.exit(f"{command[0]} does not exist: leave out --no-build, or choose another --isa")
    if not has_problems(command):
        return None
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"note: the load average is {load:.1f}: other programs are running, which figures with several threads do not survive")
    subprocess.run(command, check=True, env=environment)
    return json.loads(out.read_text())


def show(documents):
    for document in documents:
        TABLES[document["context"].get("suite", "gemm")].show(document)


def main(arguments):
    options = parse_arguments(arguments)
    if options.show:
        document = json.loads(pathlib.Path(options.show).read_text())
        show(document if isinstance(document, list) else [document])
        return
    if not options.no_build:
        build(options)
    with tempfile.TemporaryDirectory() as folder:
        documents = [d for d in (measure(options, suite, folder) for suite in options.suites) if d]
    if not documents:
        sys.exit("no problem matches")
    show(documents)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(documents if len(documents) != 1 else documents[0], indent=1))
        print(f"raw medians and quartiles: {options.json}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed ({error.returncode}): {' '.join(map(str, error.cmd))}")
    except KeyboardInterrupt:
        sys.exit(130)
