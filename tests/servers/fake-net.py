#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A bad line to a port of this machine: late, slow, and cut again and again.

    fake-net.py --to PORT --ready PORTFILE [--delay SECONDS] [--rate BYTES_PER_SECOND] [--cut BYTES]

Each connection is cut after so many bytes from the server, give or take a half; the first one at once.
"""
import argparse
import os
import random
import socket
import threading
import time

p = argparse.ArgumentParser()
p.add_argument("--to", type=int, required=True)
p.add_argument("--ready", required=True)
p.add_argument("--delay", type=float, default=0)
p.add_argument("--rate", type=int, default=0)
p.add_argument("--cut", type=int, default=0)
args = p.parse_args()
chance = random.Random(1)


def carry(source, sink, left):
    try:
        while left is None or left > 0:
            data = source.recv(4096 if left is None else min(4096, left))
            if not data:
                break
            time.sleep(args.delay)
            if args.rate:
                time.sleep(len(data) / args.rate)
            sink.sendall(data)
            left = None if left is None else left - len(data)
    except OSError:
        pass
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


listener = socket.create_server(("127.0.0.1", 0))
with open(args.ready + ".new", "w", encoding="utf-8") as f:
    f.write(str(listener.getsockname()[1]))
os.rename(args.ready + ".new", args.ready)
limit = 0 if args.cut else None
while True:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", args.to))
    threading.Thread(target=carry, args=(client, server, None), daemon=True).start()
    threading.Thread(target=carry, args=(server, client, limit), daemon=True).start()
    if args.cut:
        limit = chance.randint(args.cut // 2, args.cut * 3 // 2)
