#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""NumPy's matrix products on Ashlar, without rebuilding anything:

    LD_PRELOAD=$PWD/build/lib/libashlar_blas.so   /usr/bin/python3 numpy_demo.py      Debian's python3-numpy
    LD_PRELOAD=$PWD/build/lib/libashlar_blas64.so python3 numpy_demo.py               the wheel of numpy from PyPI

Multiplies matrices of both precisions, plain, transposed and cut out of larger ones; checks that the library was called for each, and
each result against a product in extended precision (which NumPy computes with its own loops): |C - AB| <= k eps |A| |B|, element by
element. Exit status: 0 right, 1 wrong or not called, 77 NumPy or the library is not there. --time N also times N x N products."""

import argparse
import ctypes
import sys
import time

SKIP = 77


def library():
    """The preloaded library, or None."""
    process = ctypes.CDLL(None)
    if not hasattr(process, "ashlar_blas_calls"):
        return None
    process.ashlar_blas_calls.restype = ctypes.c_uint64
    process.ashlar_blas_isa.restype = ctypes.c_char_p
    return process


def operands(np, dtype):
    """(name, A, B) of the layouts that NumPy hands to BLAS as they are, or as they are but transposed."""
    random = np.random.default_rng(7)

    def matrix(rows, columns):
        return random.uniform(-1, 1, (rows, columns)).astype(dtype)

    yield "plain", matrix(64, 96), matrix(96, 80)
    yield "odd", matrix(37, 129), matrix(129, 53)
    yield "A transposed", matrix(96, 64).T, matrix(96, 80)
    yield "B transposed", matrix(64, 96), matrix(80, 96).T
    yield "both transposed", matrix(96, 64).T, matrix(80, 96).T
    yield "cut out", matrix(70, 120)[3:67, 10:106], matrix(100, 90)[2:98, 5:85]
    yield "long sum", matrix(20, 3000), matrix(3000, 30)
    yield "large", matrix(300, 310), matrix(310, 290)


def within_bound(np, a, b, c):
    wide_a, wide_b = a.astype(np.longdouble), b.astype(np.longdouble)
    bound = a.shape[1] * np.finfo(a.dtype).eps * (abs(wide_a) @ abs(wide_b))
    return bool((abs(c - wide_a @ wide_b) <= bound).all())


def check(np, blas):
    failures = 0
    for dtype in (np.float32, np.float64):
        for name, a, b in operands(np, dtype):
            before = blas.ashlar_blas_calls()
            c = a @ b
            called, right = blas.ashlar_blas_calls() > before, within_bound(np, a, b, c)
            failures += not (called and right)
            verdict = ("right" if right else "WRONG") + ("" if called else ", but NOT through Ashlar")
            print(f"{np.dtype(dtype).name}  {name:<16} {a.shape} x {b.shape}: {verdict}")
    return failures


def measure(np, n):
    for dtype in (np.float32, np.float64):
        a, b = np.ones((n, n), dtype), np.ones((n, n), dtype)
        times = []
        for _ in range(7):
            start = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - start)
        print(f"{np.dtype(dtype).name}  {n} x {n}: {2 * n**3 / sorted(times)[3] * 1e-9:.1f} GFLOP/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=int, metavar="N", help="also time products of N x N matrices")
    options = parser.parse_args()
    try:
        import numpy as np
    except ImportError:
        print("NumPy is not installed (Debian and Ubuntu: python3-numpy)")
        return SKIP
    blas = library()
    if blas is None:
        print("libashlar_blas.so is not preloaded: LD_PRELOAD=.../libashlar_blas.so", sys.argv[0])
        if options.time:
            measure(np, options.time)
        return SKIP
    print(f"NumPy {np.__version__} on Ashlar: {blas.ashlar_blas_isa().decode()}, {blas.ashlar_blas_threads()} threads")
    failures = check(np, blas)
    if options.time:
        measure(np, options.time)
    print(f"{blas.ashlar_blas_calls()} calls, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
