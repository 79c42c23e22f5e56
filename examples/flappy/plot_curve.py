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
    steps = [row["step"] for row in rows]
    figure, (pipes, loss) = pyplot.subplots(2, 1, sharex=True, figsize=(7, 5))
    pipes.plot(steps, [row["pipes"] for row in rows], label="pipes a game, exploring")
    pipes.plot(steps, [row["epsilon"] for row in rows], linestyle=":", label="epsilon")
    pipes.set_yscale("symlog", linthresh=1)
    pipes.legend()
    loss.plot(steps, [row["loss"] for row in rows], label="loss")
    loss.set_xlabel("decisions")
    loss.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=100)


if __name__ == "__main__":
    main()
