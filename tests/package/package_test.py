#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A user's project builds and runs: installed and found, as a subfolder, through pkg-config, and by -I alone."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"


def run(*command, **environment):
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, env=dict(os.environ, **environment))


def install(folder):
    prefix = folder / "prefix"
    run("cmake", "-S", ROOT, "-B", folder / "ashlar", "-G", "Ninja", f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DASHLAR_BUILD_TESTS=OFF",
        "-DASHLAR_BUILD_EXAMPLES=OFF")
    run("cmake", "--install", folder / "ashlar")
    return prefix


def build_consumer(folder, *arguments):
    run("cmake", "-S", CONSUMER, "-B", folder / "consumer", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", *arguments)
    run("cmake", "--build", folder / "consumer")
    run(folder / "consumer" / "consumer")
    run(folder / "consumer" / "fat")
    run(folder / "consumer" / "fat", ASHLAR_ISA="scalar")


def find_package(folder):
    build_consumer(folder, f"-DCMAKE_PREFIX_PATH={install(folder)}")


def add_subdirectory(folder):
    build_consumer(folder, f"-DASHLAR_SOURCE={ROOT}")


def pkg_config(folder):
    path = install(folder) / "share" / "pkgconfig"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "ashlar"], check=True, capture_output=True, text=True,
                           env=dict(os.environ, PKG_CONFIG_PATH=str(path))).stdout.split()
    compile_and_run(folder, "-O2", *flags)


def include_only(folder):
    compile_and_run(folder, "-O2", "-I", ROOT / "include", "-fno-exceptions", "-fno-rtti")


def include_only_debug(folder):
    """Nothing inlined: every function the headers declare must be there, and Highway's debug checks must not ask for its library."""
    compile_and_run(folder, "-O0", "-I", ROOT / "include")


def compile_and_run(folder, *flags):
    for isa_flags in ([], ["-march=native"]):
        run(os.environ.get("CXX", "c++"), "-std=c++20", *flags, *isa_flags, CONSUMER / "main.cpp", "-o", folder / "plain")
        run(folder / "plain")


MODES = {mode.__name__: mode for mode in (find_package, add_subdirectory, pkg_config, include_only, include_only_debug)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=MODES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            MODES[options.mode](pathlib.Path(folder))
        except subprocess.CalledProcessError as error:
            print(f"{options.mode}: exit status {error.returncode} from {' '.join(map(str, error.cmd))}\n{error.stderr or ''}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
