# SPDX-License-Identifier: Apache-2.0
"""Debian and Ubuntu packages: what each command needs, installed when missing, named when that is not possible."""

import os
import shutil
import subprocess
import sys

BUILD = ["g++", "cmake", "ninja-build", "pkg-config", "libxsimd-dev", "libhwy-dev"]
TEST = BUILD + ["doctest-dev", "libtbb-dev", "binutils", "util-linux"]
CROSS_ARM = ["g++-aarch64-linux-gnu", "qemu-user"]
SECOND_COMPILER = ["clang-19", "libclang-rt-19-dev"]
EMULATE_X86 = ["qemu-user"]
EMULATE_AVX512 = ["bochs", "bochsbios", "vgabios", "isolinux", "syslinux-common", "xorriso", "busybox-static", "cpio"]  # tools/bochs.py
CHECK = BUILD + ["clang-format-19", "clang-tidy-19", "git"]
BENCH = BUILD + ["libbenchmark-dev"]
PEERS = ["libopenblas0-pthread", "libblis4-openmp", "libdnnl-dev", "libxsmm-dev", "libeigen3-dev",
         "libxnnpack-dev", "libpthreadpool-dev", "libonnxruntime-dev"]  # to measure beside


def installed(name):
    query = subprocess.run(["dpkg-query", "-W", "-f=${Status}", name], capture_output=True, text=True, check=False)
    return query.stdout.endswith("install ok installed")


def available(name):
    policy = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=False)
    return "Candidate:" in policy.stdout and "Candidate: (none)" not in policy.stdout


def apt(*arguments):
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ["apt-get", "-y", "-qq", *arguments]
    if os.geteuid() != 0:
        command = ["sudo", "DEBIAN_FRONTEND=noninteractive", *command]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode


def ensure(names, optional=()):
    """Installs what is missing of `names` (must have) and `optional` (good to have); returns the optional ones that are there."""
    if shutil.which("apt-get") is None:
        if not ensure.told:
            print("dev: no apt-get here. Needed, by their Debian names: " + " ".join([*names, *optional]), file=sys.stderr)
            ensure.told = True
        return [name for name in optional if shutil.which(name)]
    missing = [name for name in [*names, *optional] if not installed(name)]
    if not missing:
        return list(optional)
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        sys.exit("dev: not root and no sudo. As root: apt-get install " + " ".join(missing))
    if not ensure.updated:
        print("dev: apt-get update", flush=True)
        apt("update")
        ensure.updated = True
    missing = [name for name in missing if name in names or available(name)]
    if missing:
        print("dev: installing " + " ".join(missing), flush=True)
        if apt("install", "--no-install-recommends", *missing) != 0:
            needed = [name for name in missing if name in names]
            if needed:
                sys.exit("dev: could not install them. As root: apt-get install " + " ".join(needed))
            print("dev: could not install them; going on without", flush=True)
    return [name for name in optional if installed(name)]


ensure.updated = False
ensure.told = False
