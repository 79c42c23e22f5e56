# SPDX-License-Identifier: Apache-2.0
"""bench/tables.py: the tables of a run of the gemm suite, from the JSON that the executable wrote, and what the tables
of both suites (conv_tables.py) share.

    GF/s     2 m n k / median time
    %peak    of the multiply-adds that the core could do in the same rounds
    %roof    of the bound that binds: multiply-adds ("fma"), or reading A, B and C once from where they fit ("mem")
    a peer   its median time / ours: above 1 we are faster;  "best" is the fastest peer of each problem

Without our own figures (--no-own) the peers' columns are their % of peak.
"""
import math

OWN, SERIAL = "ashlar", "ashlar_1"
ORDER = ["onednn", "xnnpack", "onednn_nchw", "onnxruntime_nchw", "onednn*", "mkl", "openblas", "blis", "eigen", "libxsmm"]


class Problem:
    """One benchmark of the JSON file."""

    def __init__(self, entry):
        self.entry = entry
        self.family, self.dtype, self.variant, *rest = entry["name"].split("/iterations:")[0].split("/")
        self.title = " ".join(rest)
        self.ns = {key[3:]: value for key, value in entry.items() if key.startswith("ns:")}
        self.peers = {name: t for name, t in self.ns.items() if not name.startswith(OWN)}
        self.flops, self.bytes = entry["flops"], entry["bytes"]
        self.peak = entry["peak_gflops"]

    def rate(self, name):
        return self.flops / self.ns[name]

    def of_peak(self, name, threads=1):
        return 100 * self.rate(name) / (self.peak * threads)

    def roof(self):
        """GFLOP/s that the machine allows on one thread, and what binds."""
        if "stream_gbps" not in self.entry:
            return self.peak, "fma"
        memory = self.flops / self.bytes * self.entry["stream_gbps"]
        return (memory, "mem") if memory < self.peak else (self.peak, "fma")

    def ratio(self, peer):
        return self.ns[peer] / self.ns[OWN]

    def best_peer(self):
        return min(self.peers, key=self.peers.get) if self.peers else None

    def spread(self, peer):
        """The ratio's range when both sides sit at their quartiles."""
        low = self.entry["q1:" + peer] / self.entry["q3:" + OWN]
        return low, self.entry["q3:" + peer] / self.entry["q1:" + OWN]


def geomean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def cell(value, width=8, digits=2):
    return f"{value:>{width}.{digits}f}" if value is not None else " " * (width - 1) + "-"


def ordered_peers(problems):
    present = {name for p in problems for name in p.peers}
    return [n for n in ORDER if n in present] + sorted(present - set(ORDER))


def own_table(problems, threads):
    peers = ordered_peers(problems)
    heads = "".join(f"{n:>9}" for n in peers)
    print(f"{'m x n x k':<30}{'GF/s':>8}{'%peak':>7}{'%roof':>7} by  {heads}{'best':>9}  (which, spread)")
    for p in problems:
        roof, binds = p.roof()
        row = f"{p.title:<30}{p.rate(OWN):8.1f}{p.of_peak(OWN, threads):7.1f}{100 * p.rate(OWN) / (roof * threads):7.1f} {binds:<4}"
        row += "".join(cell(p.ratio(n) if n in p.peers else None, 9) for n in peers)
        best = p.best_peer()
        if best:
            low, high = p.spread(best)
            row += f"{p.ratio(best):9.2f}  {best} {low:.2f}..{high:.2f}"
        print(row)
    own_geomean(problems, peers, threads)


def own_geomean(problems, peers, threads):
    peak = geomean([p.of_peak(OWN, threads) for p in problems])
    roof = geomean([100 * p.rate(OWN) / (p.roof()[0] * threads) for p in problems])
    row = f"{'geometric mean':<38}{peak:7.1f}{roof:7.1f}     "
    row += "".join(cell(geomean([p.ratio(n) for p in problems if n in p.peers]), 9) for n in peers)
    best = [p.ratio(p.best_peer()) for p in problems if p.peers]
    if best:
        row += f"{geomean(best):9.2f}  worst {min(best):.2f}"
    print(row)


def peer_table(problems, threads):
    peers = ordered_peers(problems)
    print(f"{'% of peak':<30}{'roof':>7} by  " + "".join(f"{n:>9}" for n in peers) + f"{'best':>9}")
    columns = {n: [] for n in peers + ["best"]}
    for p in problems:
        roof, binds = p.roof()
        figures = {n: p.of_peak(n, threads) for n in p.peers}
        figures["best"] = max(figures.values(), default=None)
        for n in columns:
            columns[n].append(figures.get(n))
        print(f"{p.title:<30}{100 * roof / p.peak:7.1f} {binds:<4}" + "".join(cell(figures.get(n), 9, 1) for n in columns))
    print(f"{'geometric mean':<42}" + "".join(cell(geomean(column), 9, 1) for column in columns.values()))


def scaling_table(problems, threads):
    rows = [p for p in problems if OWN in p.ns and SERIAL in p.ns]
    if not rows:
        return
    print(f"\nscaling: {threads} threads against 1, same rounds")
    for p in rows:
        print(f"{p.family + ' ' + p.variant + ' ' + p.title:<50}{p.ns[SERIAL] / p.ns[OWN]:6.2f}")
    print(f"{'geometric mean':<50}{geomean([p.ns[SERIAL] / p.ns[OWN] for p in rows]):6.2f}")


def machine_lines(entries):
    for entry in entries:
        levels = " ".join(f"{level} {entry['read_gbps:' + level]:.0f}" for level in ("L1", "L2", "L3", "DRAM"))
        name = entry["name"].split("/iterations")[0]
        print(f"{name:<16} {entry['fma_f32_gflops']:.0f} GFLOP/s f32, {entry['fma_f64_gflops']:.0f} f64, "
              f"{entry.get('dot_u8s8_gops', 0):.0f} u8s8, {entry.get('dot_bf16_gflops', 0):.0f} bf16; reads {levels} GB/s")


def warnings(problems):
    retaken = sum(p.entry.get("disturbed", 0) for p in problems)
    if retaken:
        print(f"note: another program had the core during {retaken:.0f} samples, which were taken again (timing.hpp)")
    for p in problems:
        if p.entry.get("label"):
            print(f"WRONG RESULT, not timed: {p.entry['name']}: {p.entry['label']}")


def read(document, problem=Problem):
    """Of one run: the context, the threads, the benchmark entries of the machine, the problems."""
    context = document["context"]
    entries = [e for e in document["benchmarks"] if e.get("run_type", "iteration") == "iteration"]
    machine = [e for e in entries if e["name"].startswith("machine/")]
    return context, int(context.get("threads", 1)), machine, [problem(e) for e in entries if e not in machine]


def families(problems):
    groups = {}
    for p in problems:
        groups.setdefault((p.family, p.dtype, p.variant), []).append(p)
    return groups.items()


def heading(key, threads, context):
    family, dtype, variant = key
    print(f"\n{family} {dtype} {variant}, {threads} thread{'s' if threads > 1 else ''}, {context.get('isa', '')}")


def footer(context, machine, problems):
    print()
    for name, version in context.items():
        if name.startswith("peer:"):
            print(f"{name[5:]:<12}{version}")
    machine_lines(machine)
    warnings(problems)


def show(document):
    """Prints every table of one run."""
    context, threads, machine, problems = read(document)
    for key, group in families(problems):
        heading(key, threads, context)
        measured = [p for p in group if OWN in p.ns]
        if measured:
            own_table(measured, threads)
        elif any(p.ns for p in group):
            peer_table([p for p in group if p.ns], threads)
    scaling_table(problems, threads)
    footer(context, machine, problems)
