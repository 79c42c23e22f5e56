# SPDX-License-Identifier: Apache-2.0
"""./dev: bench, test and check Ashlar. Each command installs what it needs, says what it runs, and ends with a summary."""

import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check  # noqa: E402  (the modules beside this file)
import gpu  # noqa: E402
import packages  # noqa: E402
import test  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent


def bench(arguments):
    """Everything after `bench` goes to bench/run.py, which knows its own --help. The peers are good to have."""
    if not {"-h", "--help", "--show", "--no-build"}.intersection(arguments):
        alone = "none" in arguments or "--peers=none" in arguments
        packages.ensure(packages.BENCH, optional=[] if alone else packages.PEERS)
    return subprocess.run([sys.executable, "-B", str(ROOT / "bench" / "run.py"), *arguments], cwd=ROOT, check=False).returncode


def main():
    if sys.argv[1:3] == ["bench", "--cuda"]:
        sys.argv[1:3] = ["gpu", "--bench-only"]
    if sys.argv[1:2] == ["bench"]:
        return bench(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="./dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bench", help="measure against the peers found on this machine (./dev bench --help)")
    test.add_arguments(commands.add_parser("test", help="build and run everything this machine can run", description=test.__doc__))
    check.add_arguments(commands.add_parser("check", help="format, tidy, layering, header self-containment", description=check.__doc__))
    gpu.add_arguments(commands.add_parser("gpu", help="on a GPU machine: tests, checkers and benchmarks (./dev bench --cuda: the last alone)",
                                          description=gpu.__doc__))
    options = parser.parse_args()
    if options.command == "gpu":
        return gpu.run_all(options, ROOT)
    return {"test": test, "check": check}[options.command].run(options, ROOT)


if __name__ == "__main__":
    sys.exit(main())
