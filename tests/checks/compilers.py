# SPDX-License-Identifier: Apache-2.0
"""What the checks compile with: the compilers of this machine, and the flags of each ISA as cmake/ashlar_isa.cmake gives them."""

import dataclasses
import os
import pathlib
import platform
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CROSS_ARM = "aarch64-linux-gnu-g++"


@dataclasses.dataclass(frozen=True)
class Target:
    isa: str
    tag: str
    flags: tuple
    compiler: str


def targets_of(processor, compiler):
    lines = subprocess.run(["cmake", f"-DCMAKE_SYSTEM_PROCESSOR={processor}", "-P", str(ROOT / "cmake" / "print_isas.cmake")],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        isa, tag, flags = line.split("|")
        yield Target(isa, tag, tuple(flags.split()), compiler)


def host_compiler():
    return os.environ.get("CXX", "c++")


def targets(cross=True):
    """Every ISA that a compiler of this machine can produce code for."""
    machine = platform.machine()
    found = list(targets_of(machine, host_compiler()))
    if cross and machine != "aarch64" and shutil.which(CROSS_ARM):
        found += targets_of("aarch64", CROSS_ARM)
    return found


def run_compiler(target, text, *arguments):
    command = [target.compiler, "-std=c++20", "-I", str(ROOT / "include"), *target.flags, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=dict(os.environ, LC_ALL="C"))
    return done.returncode, done.stderr


def compile_text(target, text, *arguments):
    """Compiles `text` for `target`; returns (status, diagnostics)."""
    return run_compiler(target, text, *arguments, "-x", "c++", "-")


def precompile(target, text, folder, *arguments):
    """Compiles the header `text` once into `folder`; a compilation with the same arguments and those returned starts from it."""
    header = pathlib.Path(folder) / f"{target.compiler.replace('/', '_')}.{target.isa}.hpp"
    header.write_text(text, encoding="utf-8")
    arguments = [argument for argument in arguments if argument != "-fsyntax-only"]
    status, _ = run_compiler(target, "", *arguments, "-x", "c++-header", str(header), "-o", f"{header}.gch")
    return ("-include", str(header)) if status == 0 else ()
