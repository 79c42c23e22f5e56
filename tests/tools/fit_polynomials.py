#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the polynomials and the rational function of include/ashlar/epilogue/coefficients.hpp with the relative error of each.

    python3 tests/tools/fit_polynomials.py        # needs mpmath; half a minute

Remez exchange in 60 digits on the error relative to the function that the polynomial is used for; the coefficients are
then rounded to the element type, and the error printed is that of the rounded polynomial. The rational function comes from
weighted least squares whose weights follow the error (Lawson), linearised by the denominator of the round before (Loeb).
"""
import struct

from mpmath import cos, erf, erfc, exp, expm1, log, lu_solve, matrix, mp, mpf, pi, sqrt

mp.dps = 70


def horner(c, x):
    r = mpf(0)
    for k in reversed(c):
        r = r * x + k
    return r


def remez(f, weight, a, b, degree):
    """min max |weight * (p - f)| on [a, b]"""
    a, b, n = mpf(a), mpf(b), degree + 2
    chebyshev = lambda count: [(a + b) / 2 - (b - a) / 2 * cos(pi * i / count) for i in range(count + 1)]
    samples = [(x, weight(x), f(x)) for x in chebyshev(40 * n)]
    points = [round(i * 40 * n / (n - 1)) for i in range(n)]
    best, least = None, mpf("inf")
    for _ in range(20):
        A, B = matrix(n, n), matrix(n, 1)
        for row, i in enumerate(points):
            x, w, y = samples[i]
            for j in range(degree + 1):
                A[row, j] = x**j
            A[row, degree + 1] = (-1) ** row / max(w, mpf(10) ** -30)
            B[row] = y
        solution = lu_solve(A, B)
        c = [solution[j] for j in range(degree + 1)]
        errors = [w * (horner(c, x) - y) for x, w, y in samples]
        worst = max(abs(e) for e in errors)
        if worst < least:
            best, least = c, worst
        extrema = []
        for i, e in enumerate(errors):
            if not extrema or (e > 0) != (errors[extrema[-1]] > 0):
                extrema.append(i)
            elif abs(e) > abs(errors[extrema[-1]]):
                extrema[-1] = i
        if len(extrema) < n or worst < abs(solution[degree + 1]) * mpf("1.01"):
            break
        while len(extrema) > n:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        points = extrema
    return best


def rational(f, z_max, m, n):
    """p / q, p(0) = q(0) = 1, degrees m and n, least maximum of |p / (q f) - 1| on [0, z_max] (nearly)"""
    count = 12 * (m + n + 2)
    z = [mpf(z_max) * ((1 - cos(pi * (2 * i + 1) / (2 * count))) / 2) ** mpf("1.5") for i in range(count)]
    y, weights, denominators = [f(x) for x in z], [mpf(1)] * count, [mpf(1)] * count
    best, least = None, mpf("inf")
    for step in range(25):
        A, B = matrix(m + n, m + n), matrix(m + n, 1)
        for x, v, w, d in zip(z, y, weights, denominators):
            row = [x**j / (v * d) for j in range(1, m + 1)] + [-(x**j) / d for j in range(1, n + 1)]
            for i in range(m + n):
                B[i] += w * row[i] * (v - 1) / (v * d)
                for j in range(m + n):
                    A[i, j] += w * row[i] * row[j]
        solution = list(lu_solve(A, B))
        p, q = [mpf(1)] + solution[:m], [mpf(1)] + solution[m:]
        denominators = [horner(q, x) for x in z]
        errors = [abs(horner(p, x) / (d * v) - 1) for x, v, d in zip(z, y, denominators)]
        worst = max(errors)
        if worst < least:
            best, least = (p, q), worst
        if step > 2:
            weights = [w * (e / worst + mpf("1e-6")) for w, e in zip(weights, errors)]
    return best


def rounded(x, single):
    x = float(x)
    return struct.unpack("f", struct.pack("f", x))[0] if single else x


def fit(f, weight, a, b, degree, single):
    c = [mpf(rounded(x, single)) for x in remez(f, weight, a, b, degree)]
    a, b = mpf(a), mpf(b)
    grid = [a + (b - a) * i / 2000 for i in range(2001)]
    return c, max(abs(weight(x) * (horner(c, x) - f(x))) for x in grid)


def expm1_tail(r):
    """(e^r - 1 - r) / r^2"""
    return mpf(1) / 2 + r / 6 + r * r / 24 if abs(r) < mpf(10) ** -10 else (expm1(r) - r) / r**2


def erf_tail(s):
    """erf(x) / x - 1 in s = x^2"""
    x = sqrt(s)
    return 2 / sqrt(pi) * (1 - s / 3) - 1 if x < mpf(10) ** -10 else erf(x) / x - 1


def erfcx(z):
    return exp(z * z) * erfc(z)


def fit_erfcx(z_max, m, n, single):
    p, q = ([mpf(rounded(x, single)) for x in c] for c in rational(erfcx, z_max, m, n))
    grid = [mpf(z_max) * i / 2000 for i in range(2001)]
    return p, q, max(abs(horner(p, z) / (horner(q, z) * erfcx(z)) - 1) for z in grid)


def show(name, c, error, single):
    print(f"  // degree {len(c) - 1}, relative error 2^{float(log(error) / log(2)):.1f}")
    digits = [float(x).hex() + ("f" if single else "") for x in c]
    print(f"  static constexpr {'float' if single else 'double'} {name}[] = {{{', '.join(digits)}}};")


def main():
    half_log2 = log(mpf(2)) / 2 * mpf("1.0001")
    for single, exp_degree, erf_degree, m, z_max in ((True, 4, 6, 4, "10.7"), (False, 9, 11, 10, "28.4")):
        print("float" if single else "double")
        relative = lambda r: r * r / abs(expm1(r)) if abs(r) > mpf(10) ** -20 else abs(r)
        show("expm1", *fit(expm1_tail, relative, -half_log2, half_log2, exp_degree, single), single)
        show("erf", *fit(erf_tail, lambda s: 1 / (1 + erf_tail(s)), 0, 1, erf_degree, single), single)
        p, q, error = fit_erfcx(z_max, m, m + 1, single)
        show("erfcx_p", p, error, single)
        show("erfcx_q", q, error, single)


if __name__ == "__main__":
    main()
