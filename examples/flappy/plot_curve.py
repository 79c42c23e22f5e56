#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the curve that `flappy train --curve curve.csv` wrote:  plot_curve.py curve.csv curve.png   (needs matplotlib)."""

import csv
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    decisions = [row["decision"] for row in rows]
    figure, (play, loss) = pyplot.subplots(2, 1, sharex=True, figsize=(7, 5))
    play.plot(decisions, [row["pipes"] for row in rows], label="pipes passed since the last point")
    play.plot(decisions, [row["crashes"] for row in rows], label="crashes")
    play.legend()
    loss.plot(decisions, [row["loss"] for row in rows], label="loss")
    loss.set_xlabel("decisions")
    loss.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=100)


if __name__ == "__main__":
    main()
