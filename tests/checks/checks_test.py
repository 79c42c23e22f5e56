#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks find what they are there to find: each is given a good and a bad case."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import compilers
import layering

HERE = pathlib.Path(__file__).resolve().parent
FOUR_ACCUMULATORS = """
void product(const float* a, const float* b, float* c, long k) {
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (long i = 0; i < k; ++i) {
    s0 = __builtin_fmaf(a[i], b[4 * i], s0), s1 = __builtin_fmaf(a[i], b[4 * i + 1], s1);
    s2 = __builtin_fmaf(a[i], b[4 * i + 2], s2), s3 = __builtin_fmaf(a[i], b[4 * i + 3], s3);
    EXTRA
  }
  c[0] = s0, c[1] = s1, c[2] = s2, c[3] = s3;
}
"""
TAGGED = """
namespace ashlar { namespace isa { struct avx2 {}; }
template <class Isa> __attribute__((noinline)) int tagged(int x) { return x * 3; }
inline __attribute__((noinline)) int untagged(int x) { return x * 5; } }
int use(int x) { return ashlar::tagged<ashlar::isa::avx2>(x) EXTRA; }
"""


def script(name, *arguments):
    done = subprocess.run([sys.executable, "-B", str(HERE / name), *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


class Checks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def objects(self, text, extra, wanted=("avx2", "neon")):
        """The text compiled for each of the ISAs that a compiler here can produce."""
        for target in compilers.targets():
            if target.isa in wanted:
                output = f"{self.folder.name}/{target.isa}.o"
                flags = ("-O2", "-fno-tree-vectorize", "-fno-tree-slp-vectorize", "-fno-unroll-loops", "-c", "-o", output)
                status, diagnostics = compilers.compile_text(target, text.replace("EXTRA", extra), *flags)
                self.assertEqual(status, 0, diagnostics)
                yield output

    def test_codegen_counts_multiply_adds(self):
        for path in self.objects(FOUR_ACCUMULATORS, ""):
            status, text = script("codegen.py", path, "--match", "product", "--expect", "product=4")
            self.assertEqual(status, 0, text)
            self.assertNotEqual(script("codegen.py", path, "--match", "product", "--expect", "product=5")[0], 0)
            self.assertEqual(script("codegen.py", path, "--match", "pro.uct", "--product", r"product\(float")[0], 1, "an empty product is 1")
            self.assertNotEqual(script("codegen.py", path, "--match", "absent")[0], 0, "nothing looked at must not pass")

    def test_codegen_sees_stack_traffic(self):
        for path in self.objects(FOUR_ACCUMULATORS, "volatile float spill = s0; s0 = spill;"):
            status, text = script("codegen.py", path, "--match", "product")
            self.assertNotEqual(status, 0, text)
            self.assertIn("stack reference", text)

    def test_symbols(self):
        for path in self.objects(TAGGED, ""):
            self.assertEqual(script("symbols.py", path)[0], 0)
        for path in self.objects(TAGGED, "+ ashlar::untagged(x)"):
            status, text = script("symbols.py", path)
            self.assertNotEqual(status, 0)
            self.assertIn("ashlar::untagged", text)
        for path in self.objects(TAGGED, "; } int at_start = use(3); int more() { return 0"):
            status, text = script("symbols.py", path)
            self.assertIn("runs before main", text)

    def test_layering(self):
        root = pathlib.Path(self.folder.name)
        for name, text in {"core/low.hpp": "#include <ashlar/gemm/high.hpp>\n", "gemm/high.hpp": "#include <ashlar/core/low.hpp>\n",
                           "tile/t.hpp": "#include <xsimd/xsimd.hpp>\n", "odd/o.hpp": "", "isa/i.hpp": '#include "x.hpp"\n'}.items():
            path = root / "include" / "ashlar" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = "\n".join(layering.violations(root))
        for fault in ("core must not include gemm/high.hpp", "tile must not include <xsimd", "layer 'odd'", 'includes "x.hpp"'):
            self.assertIn(fault, found)
        self.assertNotIn("gemm must not", found)

    def test_compile_fail(self):
        cases = {"good.cpp": ("static assertion failed: no", '#ifdef MISTAKE\nstatic_assert(false, "no");\n#endif\n'),
                 "silent.cpp": ("other words", '#ifdef MISTAKE\nstatic_assert(false, "no");\n#endif\n'),
                 "compiles.cpp": ("anything", "#ifdef MISTAKE\nint x;\n#endif\n"),
                 "broken.cpp": ("anything", "#ifdef MISTAKE\n#endif\nint 3;\n")}
        for name, (expected, body) in cases.items():
            (pathlib.Path(self.folder.name) / name).write_text(f"// expect: {expected}\n{body}", encoding="utf-8")
        status, text = script("compile_fail.py", "--folder", self.folder.name)
        self.assertNotEqual(status, 0)
        for part in ("fails without saying", "compiles, mistake and all", "even without its mistake", "1 of 4"):
            self.assertIn(part, text)

    def test_docs(self):
        page = pathlib.Path(self.folder.name) / "page.md"
        config = "include/ashlar/core/config.hpp"
        cases = {"```cpp\ngemm(A, B, C, relu(acc));\n```\n`f[i](x)` [here](page.md)": None,
                 "```cpp program\nint main() {}\n```": None,
                 f"```cpp excerpt={config}\n  inline  constexpr index dynamic = -1;\n```": None,
                 "```cpp\ngemm(A, B, C, rely(acc));\n```": "page.md:2:",
                 "```cpp program\nint main() { return 3; }\n```": "status 3",
                 f"```cpp excerpt={config}\nabsent\n```": "not in",
                 "```cpp odd\n```": "unknown kind",
                 "[there](absent.md)": "does not exist"}
        for text, fault in cases.items():
            page.write_text(text, encoding="utf-8")
            status, output = script("docs.py", page)
            self.assertEqual(status, 1 if fault else 0, output)
            self.assertIn(fault or "0 faults", output)


if __name__ == "__main__":
    unittest.main()
