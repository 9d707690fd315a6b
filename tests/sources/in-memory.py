#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""in-memory.py PID TEXT...: is each in the memory of that process?  A line for each, 1 or 0."""
import re
import sys

pid, *texts = sys.argv[1:]
counts = [0] * len(texts)
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
    for line in maps:
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if not m:
            continue
        begin, end = (int(x, 16) for x in m.groups())
        try:
            mem.seek(begin)
            data = mem.read(end - begin)
        except OSError:
            continue
        for i, text in enumerate(texts):
            counts[i] += data.count(text.encode())
print(*(min(n, 1) for n in counts), sep="\n")
