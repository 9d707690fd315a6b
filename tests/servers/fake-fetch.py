#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A server of one file that misbehaves as the path says, over http or https.

    fake-fetch.py --file FILE --ready PORTFILE --log FILE [--cert PEM --key PEM] [--address IP]

    /good          ranges, If-Range and a strong ETag, as it should be      /slow     100 bytes in a second
    /cut/N         the same, and the connection is cut after N bytes        /stream   chunks without end
    /cut-bare/N    the first time cut after N bytes; no validator           /endless  chunks, and cut before the last
    /lie           promises a byte more than it sends                       /close    no length; the end is the end
    /norange/N     cut after N bytes at first; ranges are not understood    /empty    nothing, and says so
    /mixed/N       cut after N bytes; the rest is of another version        /gzip     with a Content-Encoding
    /wrong-part/N  cut after N bytes; the rest begins elsewhere             /unasked  206 without a range
    /gone/N        cut after N bytes; then 416                              /huge     says that it has 2^40 bytes
    /subset/N      cut after N bytes; then no more than N bytes of the rest
    /busy/N/S      429 with "Retry-After: S" N times                        /date     429 with a date two seconds from now
    /down/N        503 N times                                              /status/N that status
    /to?URL        302 to URL                                               /loop     302 to itself
Each request is a line of the log: PATH, the range or "-", and "with" or "without" a credential.
"""
import argparse
import email.utils
import hashlib
import http.server
import os
import ssl
import threading
import time

p = argparse.ArgumentParser()
for name in ("file", "ready", "log"):
    p.add_argument("--" + name, required=True)
for name in ("cert", "key"):
    p.add_argument("--" + name)
p.add_argument("--address", default="127.0.0.1")
args = p.parse_args()
with open(args.file, "rb") as f:
    DATA = f.read()
OTHER = bytes(b ^ 255 for b in DATA)
TAG = '"%s"' % hashlib.sha256(DATA).hexdigest()[:16]
lock, seen = threading.Lock(), {}


class Cut(Exception):
    pass


class Fake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def start(self, status, length, *more):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()

    def give(self, data, limit=None):
        self.wfile.write(data if limit is None else data[:limit])
        if limit is not None and limit < len(data):
            raise Cut

    def file(self, limit=None, tag=TAG, ranges=True):
        wanted = self.headers.get("Range")
        if wanted and ranges and self.headers.get("If-Range", TAG) == TAG:
            at = int(wanted[len("bytes="):-1])
            self.start(206, len(DATA) - at, ("ETag", TAG), ("Content-Range", f"bytes {at}-{len(DATA) - 1}/{len(DATA)}"))
            self.give(DATA[at:], limit)
        else:
            self.start(200, len(DATA), *([("ETag", tag)] if tag else []))
            self.give(DATA, limit)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def chunks(self):
        self.start(200, None, ("Transfer-Encoding", "chunked"))

    def answer(self, verb, tail, times):
        first = times == 1
        number = int(tail.split("/")[0]) if tail.split("/")[0].isdigit() else 0
        wanted = self.headers.get("Range")
        if verb == "cut":
            self.file(number)
        elif verb == "cut-bare":
            self.file(number if first else None, None)
        elif verb == "norange":
            self.file(number if first else None, ranges=False)
        elif verb in ("mixed", "wrong-part") and wanted:
            at = int(wanted[len("bytes="):-1]) - (1 if verb == "wrong-part" else 0)
            self.start(206, len(DATA) - at, ("ETag", TAG if verb == "wrong-part" else '"another"'),
                       ("Content-Range", f"bytes {at}-{len(DATA) - 1}/{len(DATA)}"))
            self.give(OTHER[at:])
        elif verb == "subset" and wanted:
            at = int(wanted[len("bytes="):-1])
            data = DATA[at:at + number]
            self.start(206, len(data), ("ETag", TAG), ("Content-Range", f"bytes {at}-{at + len(data) - 1}/{len(DATA)}"))
            self.give(data)
        elif verb == "gone" and wanted:
            self.start(416, 0, ("Content-Range", "bytes */7"))
        elif verb in ("mixed", "wrong-part", "gone", "subset"):
            self.file(number if first else None)
        elif verb == "lie":
            self.start(200, len(DATA) + 1)
            self.give(DATA)
            raise Cut
        elif verb == "slow":
            self.start(200, len(DATA), ("ETag", TAG))
            for b in DATA:
                self.wfile.write(bytes([b]))
                time.sleep(0.01)
        elif verb in ("stream", "endless"):
            self.chunks()
            while True:
                self.chunk(DATA)
                if verb == "endless":
                    raise Cut
        elif verb == "close":
            self.start(200, None, ("Connection", "close"))
            self.give(DATA)
        elif verb == "empty":
            self.start(200, 0)
        elif verb == "gzip":
            self.start(200, len(DATA), ("Content-Encoding", "gzip"))
            self.give(DATA)
        elif verb == "unasked":
            self.start(206, 5, ("Content-Range", f"bytes 0-4/{len(DATA)}"))
            self.give(DATA[:5])
        elif verb == "huge":
            self.start(200, 2**40)
            self.give(DATA)
            raise Cut
        elif verb == "busy" and times <= number:
            self.start(429, 0, ("Retry-After", tail.split("/")[1]))
        elif verb == "date" and first:
            self.start(429, 0, ("Retry-After", email.utils.formatdate(time.time() + 2, usegmt=True)))
        elif verb == "down" and times <= number:
            self.start(503, 0)
        elif verb == "status":
            self.start(number, 0)
        elif verb == "to":
            self.start(302, 0, ("Location", tail))
        elif verb == "loop":
            self.start(302, 0, ("Location", self.path))
        else:
            self.file()

    def do_GET(self):
        known = any(self.headers.get(h) for h in ("Authorization", "X-Token"))
        with lock:
            times = seen[self.path] = seen.get(self.path, 0) + 1
            with open(args.log, "a", encoding="utf-8") as log:
                print(self.path, self.headers.get("Range", "-"), "with" if known else "without", file=log)
        verb, _, tail = self.path[1:].partition("?" if self.path.startswith("/to?") else "/")
        try:
            self.answer(verb, tail, times)
        except (Cut, OSError):
            self.close_connection = True
            # What was sent arrives, and then nothing: no end of TLS either.
            try:
                self.wfile.flush()
            except OSError:
                pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def finish_request(self, request, client_address):
        if args.cert:
            request = context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        pass


if args.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
if ":" in args.address:
    Server.address_family = __import__("socket").AF_INET6
server = Server((args.address, 0), Fake)
with open(args.ready + ".new", "w", encoding="utf-8") as f:
    f.write(str(server.server_address[1]))
os.rename(args.ready + ".new", args.ready)
server.serve_forever()
