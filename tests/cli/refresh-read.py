# SPDX-License-Identifier: ISC
"""Reads files over and over while somebody else replaces what is in them.

    refresh-read.py SECRET-FILE PATH...

SECRET-FILE has a line for each secret there will be. Every read of every path has to be the text of the first read, with
one of the secrets in the place of the first. A file seen-N is made when all paths have the secret number N; ends when that
is the last. The bytes are read in two parts, and a path is also read through a descriptor that was opened long before.
"""
import os
import sys
import time

LIMIT = 60  # seconds

secrets = open(sys.argv[1], "rb").read().split()
paths = sys.argv[2:]


def read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        first = os.read(fd, 7)
        return first + os.read(fd, 1 << 20)
    finally:
        os.close(fd)


base = {path: read(path) for path in paths}
kept = {path: open(path, "rb") for path in paths}
want = {path: {base[path].replace(secrets[0], s): i for i, s in enumerate(secrets)} for path in paths}
at = dict.fromkeys(paths, 0)
counts, end, told = dict.fromkeys(paths, 0), time.monotonic() + LIMIT, -1
for path in paths:
    assert secrets[0] in base[path], f"{path} has no secret at the start"
while told < len(secrets) - 1:
    assert time.monotonic() < end, f"after {LIMIT} s: {at}, {counts}"
    for path in paths:
        for _ in range(50):
            text = read(path)
            assert text in want[path], f"{path} is neither the one nor the other: {text!r}"
            now = want[path][text]
            assert now >= at[path], f"{path} went back from {at[path]} to {now}"
            at[path] = now
            counts[path] += 1
    while told < min(at.values()):
        told += 1
        open(f"seen-{told}", "w").close()
for path in paths:
    assert kept[path].read() == base[path], f"{path}: who has had it open reads something else"
    assert counts[path] > 100, counts
