# SPDX-License-Identifier: Apache-2.0
"""bench/conv_tables.py: the tables of a run of the conv suite: one a family, and one of whole networks.

    %peak    of the multiply-adds that the core could do in the same rounds, 2 flops for each product of a direct sum;
             Winograd's algorithm leaves most of them out and may pass 100
    roof     %peak that the multiply-adds, or reading src and weights and writing dst once at the rate of reading, allow;
             by: the algorithm, within the tolerance where that matters
    a peer   its median time / ours, NHWC, exact: above 1 we are faster
    best     the fastest peer in either plain layout: of those that sum products, against "exact"; of all, against "1e-4"

A name's ending: "_nchw" that layout; "*" a layout of the library's own, conversions not timed (never the "best", but of
gradients: in training everything may stay in it); "~" within a relative error of 1e-4.
"""
from tables import OWN, Problem, cell, families, footer, geomean, heading, ordered_peers, read, scaling_table

WAYS = [OWN, OWN + "~", OWN + "_nchw", OWN + "_nchw~"]
HEADS = {OWN: "exact", OWN + "~": "1e-4", OWN + "_nchw": "nchw", OWN + "_nchw~": "nchw1e-4"}


class Layer(Problem):
    """A problem of the conv suite. A tolerance that changes nothing was not timed: it has the exact figure."""

    algorithm_names = {}

    def __init__(self, entry):
        super().__init__(dict(entry))
        entry = self.entry
        self.tolerance_matters = OWN + "~" in self.ns
        for way in (OWN, OWN + "_nchw"):
            if way in self.ns:
                for kind in ("ns:", "q1:", "q3:"):
                    entry.setdefault(f"{kind}{way}~", entry[kind + way])
                self.ns.setdefault(way + "~", self.ns[way])
        self.batch = int(self.title.split("x")[0])
        self.own_layouts_count = self.family.startswith("backward")
        self.uses = {key[4:]: int(value) for key, value in entry.items() if key.startswith("net:")}

    def algorithm(self, way=OWN + "~"):
        return self.algorithm_names.get(int(self.entry.get("algorithm:" + way, self.entry.get("algorithm:" + OWN, 0))), "")

    def fastest(self, way):
        """The fastest peer that `way` is compared with, or None. Those that call with NCHW have that layout's peers."""
        names = [n for n in self.peers if (self.own_layouts_count or "*" not in n) and (way.endswith("~") or not n.endswith("~"))]
        if "_nchw" in way:
            names = [n for n in names if "_nchw" in n or "*" in n]
        return min(names, key=self.peers.get, default=None)

    def against(self, way, peer=None):
        """The time of a peer, or of the fastest, by that of one of our ways."""
        peer = peer or self.fastest(way)
        return self.ns[peer] / self.ns[way] if peer in self.ns and way in self.ns else None


def used_ways(layers):
    """Ours that were measured; those within a tolerance only if it changed the algorithm of some layer."""
    matters = any(x.tolerance_matters for x in layers)
    return [w for w in WAYS if any(w in x.ns for x in layers) and (matters or not w.endswith("~"))]


def family_table(layers, threads):
    peers = ordered_peers(layers)
    widths = {n: max(8, len(n) + 2) for n in peers}
    ways = used_ways(layers)
    print(f"{'':<46}  % of peak{'':<{9 * len(ways) + 14}}time of a peer / ours, exact")
    print(f"{'n x h x w x c - k - taps':<36}{'exact ms':>10}" + "".join(f"{HEADS[w]:>9}" for w in ways) + f"{'roof':>7} {'by':<14}"
          + "".join(f"{n:>{widths[n]}}" for n in peers) + "".join(f"{'best:' + HEADS[w]:>14}" for w in ways)
          + "  (exact: which, spread)")
    for layer in layers:
        row = f"{layer.title:<36}{layer.ns[OWN] * 1e-6:10.3f}"
        row += "".join(cell(layer.of_peak(w, threads), 9, 0) for w in ways)
        row += f"{100 * layer.roof()[0] / layer.peak:7.0f} {layer.algorithm():<14}"
        row += "".join(cell(layer.against(OWN, n), widths[n]) for n in peers)
        row += "".join(cell(layer.against(w), 14) for w in ways)
        best = layer.fastest(OWN)
        if best:
            low, high = layer.spread(best)
            row += f"  {best} {low:.2f}..{high:.2f}"
        print(row)
    row = f"{'geometric mean':<46}" + "".join(cell(geomean([x.of_peak(w, threads) for x in layers]), 9, 0) for w in ways)
    row += " " * 22 + "".join(cell(geomean([x.against(OWN, n) for x in layers]), widths[n]) for n in peers)
    print(row + "".join(cell(geomean([x.against(w) for x in layers]), 14) for w in ways))
    worst = [min((x.against(w) for x in layers if x.against(w)), default=None) for w in ways]
    print(f"{'worst':<{68 + 9 * len(ways)}}" + "".join(" " * widths[n] for n in peers) + "".join(cell(v, 14) for v in worst))


def peer_table(layers, threads):
    peers = ordered_peers(layers)
    widths = {n: max(8, len(n) + 2) for n in peers + ["best"]}
    print(f"{'% of peak':<36}" + "".join(f"{n:>{w}}" for n, w in widths.items()))
    columns = {n: [] for n in widths}
    for layer in layers:
        row = {n: layer.of_peak(n, threads) for n in peers if n in layer.ns}
        row["best"] = max((v for n, v in row.items() if "*" not in n), default=None)
        for n in columns:
            columns[n].append(row.get(n))
        print(f"{layer.title:<36}" + "".join(cell(row.get(n), w, 0) for n, w in widths.items()))
    print(f"{'geometric mean':<36}" + "".join(cell(geomean(columns[n]), w, 0) for n, w in widths.items()))


def whole_networks(layers, context):
    """(network, batch, its layers) where every layer of the network was measured."""
    for key, count in context.items():
        if not key.startswith("layers:"):
            continue
        network, batch = key[7:].split("/")
        mine = [x for x in layers if x.variant == "warm" and x.batch == int(batch) and network in x.uses and x.ns]
        if mine and sum(x.uses[network] for x in mine) == int(count):
            yield network, int(batch), mine


def network_table(layers, context):
    rows = list(whole_networks(layers, context))
    if not rows:
        return
    ways = used_ways(layers)
    names = ways + ordered_peers(layers)
    plain = [w for w in ways if "_nchw" not in w]
    widths = {n: max(9, len(n) + 2) for n in names}
    print("\nwhole networks: ms of all convolution layers, each alone; at the end the best peer of each layer, and that / ours")
    print(f"{'':<20}{'batch':>6}{'layers':>7}" + "".join(f"{n:>{w}}" for n, w in widths.items()) + f"{'best':>9}"
          + "".join(f"{HEADS[w]:>8}" for w in plain))
    for network, batch, mine in sorted(rows, key=lambda row: row[1]):
        def total(times):
            return None if None in times else sum(t * x.uses[network] for t, x in zip(times, mine)) * 1e-6

        sums = {n: total([x.ns.get(n) for x in mine]) for n in names}
        best = {w: total([x.ns.get(x.fastest(w)) for x in mine]) for w in [OWN, OWN + "~"]}
        row = f"{network:<20}{batch:>6}{sum(x.uses[network] for x in mine):>7}"
        row += "".join(cell(sums[n], w) for n, w in widths.items()) + cell(best[OWN + "~"], 9)
        print(row + "".join(cell(best[w] / sums[w] if best[w] and sums[w] else None, 8) for w in plain))


def show(document):
    """Prints every table of one run."""
    context, threads, machine, layers = read(document, Layer)
    Layer.algorithm_names = {int(key[10:]): name for key, name in context.items() if key.startswith("algorithm:")}
    for key, group in families(layers):
        heading(key, threads, context)
        measured = [x for x in group if OWN in x.ns]
        if measured:
            family_table(measured, threads)
        elif any(x.ns for x in group):
            peer_table([x for x in group if x.ns], threads)
    network_table(layers, context)
    scaling_table(layers, threads)
    footer(context, machine, layers)
