#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Looks for secrets in everything that was written: files, and what is inside archives and compressed data.

    search.py [--newer FILE] [--skip PATH]... PLACE... < SECRETS

SECRETS are lines; each is looked for as it is and in base64 as part of a longer text ("user:SECRET"). Prints each file that
holds one and ends with 1; else with 0, and says how many files it read. 2: it could not look.
"""
import argparse
import base64
import gzip
import io
import mmap
import os
import stat
import sys
import tarfile
import zlib

DEPTH = 4
SHORTEST = 10
LARGE = 64 << 20


def needles(secrets):
    """The ways a secret is written down.  In base64, three alignments, without the ends that depend on the neighbours."""
    for s in secrets:
        yield s
        for shift in range(3):
            b64 = base64.b64encode(b"\0" * shift + s)
            inner = b64[(0, 2, 3)[shift]:].rstrip(b"=")
            yield inner[:-1] if (len(s) + shift) % 3 else inner


def inside(data):
    """What a compressed stream or an archive holds: (name, bytes)."""
    if data[:2] == b"\x1f\x8b":
        yield "gzip", gzip.decompress(data)
    elif data[:1] == b"\x78" and len(data) > 2 and (data[0] << 8 | data[1]) % 31 == 0:
        yield "zlib", zlib.decompress(data)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                if member.isfile():
                    yield member.name, tar.extractfile(member).read()


def find(data, wanted, depth=0):
    if any(data.find(w) >= 0 for w in wanted):
        yield ""
    if depth < DEPTH:
        try:
            for name, content in inside(data):
                for where in find(content, wanted, depth + 1):
                    yield f" ({name}){where}"
        except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError):
            pass  # not what it looked like; its bytes have been searched as they are


def walk(places, skip):
    for place in places:
        if os.path.isfile(place):
            yield place
        for top, dirs, names in os.walk(place):
            dirs[:] = [d for d in dirs if os.path.join(top, d) not in skip]
            for name in names:
                if os.path.join(top, name) not in skip:
                    yield os.path.join(top, name)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--newer")
    p.add_argument("--skip", action="append", default=[])
    p.add_argument("places", nargs="+", metavar="PLACE")
    args = p.parse_args()
    secrets = [s for s in sys.stdin.buffer.read().split(b"\n") if s]
    missing = [place for place in args.places if not os.path.exists(place)]
    if missing or not secrets or min(len(s) for s in secrets) < SHORTEST:
        print(f"no such place: {' '.join(missing)}" if missing else
              f"give secrets of at least {SHORTEST} characters: shorter ones are found by chance", file=sys.stderr)
        return 2
    wanted = list(needles(secrets))
    since = os.stat(args.newer).st_mtime_ns if args.newer else 0
    read = found = closed = 0
    for path in walk(args.places, {os.path.abspath(s) for s in args.skip} | set(args.skip)):
        try:
            st = os.lstat(path)
            if not stat.S_ISREG(st.st_mode) or max(st.st_mtime_ns, st.st_ctime_ns) < since:
                continue
            with open(path, "rb") as f:
                data = f.read() if st.st_size < LARGE else mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        except FileNotFoundError:
            continue
        except OSError:
            closed += 1
            continue
        read += 1
        for where in find(data, wanted):
            found += 1
            print(f"found in {path}{where}")
    print(f"{read} files searched, {found} hold a secret" + (f", {closed} may not be read by us" if closed else ""))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
