#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point downwards only. Reads the include lines of include/ashlar and fails on an arrow that the table does not allow."""

import pathlib
import re
import sys

# layer: the layers it may include, besides itself. Umbrellas (ashlar/gemm.hpp) count as the layer they are named after.
LAYERS = {
    "core": set(),
    "dispatch": {"core"},
    "isa": {"core"},
    "epilogue": {"isa", "core"},
    "tile": {"epilogue", "isa", "core"},
    "pack": {"tile", "epilogue", "isa", "core"},
    "loop": {"pack", "tile", "epilogue", "isa", "core"},
    "gemm": {"loop", "pack", "tile", "epilogue", "isa", "core", "reference"},
    "winograd": {"conv/geometry.hpp", "loop", "pack", "tile", "epilogue", "isa", "core"},
    "conv": {"gemm", "winograd", "loop", "pack", "tile", "epilogue", "isa", "core"},
    "quant": {"epilogue", "isa", "core"},
    "nn": {"conv/geometry.hpp", "conv/problem.hpp", "conv/check.hpp", "epilogue", "isa", "core"},
    "reference": {"epilogue", "core", "conv/geometry.hpp", "isa/scalar.hpp", "isa/tags.hpp", "isa/ops.hpp"},
}
# What stands outside: which layers may include which third-party headers.
THIRD_PARTY = {"xsimd": {"isa"}, "hwy": {"isa"}, "immintrin.h": {"isa"}, "arm_neon.h": {"isa"}, "arm_sve.h": {"isa"},
               "omp.h": {"core"}, "oneapi": {"core"}, "tbb": {"core"}, "doctest": set()}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def layer_of(path):
    """core/view.hpp -> core; gemm.hpp -> gemm."""
    return path.split("/")[0].removesuffix(".hpp")


def violations(root):
    for header in sorted((root / "include" / "ashlar").rglob("*.hpp")):
        inside = header.relative_to(root / "include" / "ashlar").as_posix()
        layer = layer_of(inside)
        if layer not in LAYERS:
            yield f"{inside}: layer '{layer}' is not in the table of {pathlib.Path(__file__).name}"
            continue
        for quote, target in INCLUDE.findall(header.read_text(encoding="utf-8")):
            if quote == '"':
                yield f'{inside}: includes "{target}"; inside the library an include is <ashlar/...>'
            elif target.startswith("ashlar/"):
                other = target.removeprefix("ashlar/")
                if layer_of(other) != layer and layer_of(other) not in LAYERS[layer] and other not in LAYERS[layer]:
                    yield f"{inside}: {layer} must not include {other}"
                if not (root / "include" / target).exists():
                    yield f"{inside}: includes {target}, which does not exist"
            elif layer not in THIRD_PARTY.get(target.split("/")[0], {layer}):
                yield f"{inside}: {layer} must not include <{target}>"


def cuda_violations(root):
    """The GPU's headers stand above all of include/; nothing there includes them back (its table has no layer `cuda`)."""
    for header in sorted((root / "cuda" / "ashlar" / "cuda").rglob("*.cuh")):
        for quote, target in INCLUDE.findall(header.read_text(encoding="utf-8")):
            if quote == '"':
                yield f'{header.name}: includes "{target}"; inside the library an include is <ashlar/...>'
            elif target.startswith("ashlar/") and not any((root / part / target).exists() for part in ("include", "cuda")):
                yield f"{header.name}: includes {target}, which does not exist"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parents[2]
    found = [*violations(root), *cuda_violations(root)]
    print("\n".join(found) if found else "layering: every include points downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
