#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training step of flappy in PyTorch: the same network, loss, batch and optimizer; prints steps per second. `flappy compare` calls it."""

import argparse
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("pytorch: not installed, so there is nothing to compare with (Debian: python3-torch)")
        return 0
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)

    def network():
        nn = torch.nn
        return nn.Sequential(nn.Conv2d(4, 32, 8, 4, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
                             nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1600, 512), nn.ReLU(), nn.Linear(512, 2))

    def measure(name, layout):
        online, target = (network().to(memory_format=layout) for _ in range(2))
        adam = torch.optim.Adam(online.parameters(), lr=2.5e-4)
        states, following = (torch.rand(options.batch, 4, 80, 80).to(memory_format=layout) for _ in range(2))
        chosen = (torch.arange(options.batch) % 2)[:, None]
        rewards = torch.zeros(options.batch, 1)

        def step():
            with torch.no_grad():
                wanted = rewards + 0.95 * target(following).max(1, keepdim=True).values
            loss = torch.nn.functional.smooth_l1_loss(online(states).gather(1, chosen), wanted)
            adam.zero_grad()
            loss.backward()
            adam.step()

        for _ in range(10):
            step()
        began, best = time.perf_counter(), float("inf")  # the fastest of all: the machine may have other work
        while time.perf_counter() - began < 5:
            start = time.perf_counter()
            step()
            best = min(best, time.perf_counter() - start)
        print(f"pytorch: {1 / best:6.1f} steps/s, batch {options.batch}, {options.threads} threads, {name} ({torch.__version__})")

    measure("channels first", torch.contiguous_format)
    measure("channels last", torch.channels_last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
