#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What GitHub and GitLab do that RFC 8628 does not say, and what no server should: answers from files.

    fake-forge.py DIR READY

The real ones cannot be had in a test.  A request for /CASE/.../X, X being one of the last parts below, is answered with the file
DIR/CASE/device, token or metadata; with token.1 for the first request for a token, token.2 for the second, while there is one.  The
file's first line is "STATUS TYPE", or one word: "huge" (1 GiB that never ends before), "hang", "cut"; "after SECONDS" may come before.  Each request is a line of DIR/CASE/log:
seconds, the path's end, the header Accept, Authorization, the body.
"""
import http.server
import os
import socketserver
import sys
import threading
import time

root, ready = sys.argv[1:]
KINDS = {"code": "device", "authorize_device": "device", "device": "device", "access_token": "token", "token": "token"}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def find(self):
        """The file that is the answer; notes the request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = self.path.strip("/").split("/")
        kind = "metadata" if ".well-known" in parts else KINDS[parts[-1]]
        case = next(p for p in parts if os.path.isdir(os.path.join(root, p)))
        case = os.path.join(root, case)
        with lock:
            with open(os.path.join(case, "log"), "a", encoding="ascii") as f:
                f.write("%.1f %s %s %s %s\n" % (time.monotonic(), self.path, self.headers.get("Accept", "-"),
                                                self.headers.get("Authorization", "-").replace(" ", "_"), body))
            with open(os.path.join(case, "log"), encoding="ascii") as f:
                n = sum(1 for line in f if KINDS.get(line.split()[1].rsplit("/", 1)[1]) == kind)
        for name in (f"{kind}.{n}", kind + "." + parts[parts.index(".well-known") + 1] if kind == "metadata" else kind, kind):
            if os.path.exists(os.path.join(case, name)):
                with open(os.path.join(case, name), encoding="latin-1") as f:
                    return f.read().replace("HERE", "http://" + self.headers["Host"])
        return "404 text/html\nno such page\n"

    def answer(self):
        head, _, body = self.find().partition("\n")
        if head.startswith("after "):
            _, seconds, head = head.split(" ", 2)
            time.sleep(float(seconds))
        if head == "hang":
            time.sleep(60)
            return
        if head == "cut":
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{\"acc")
            return
        status, _, kind = (head if head != "huge" else "200 application/json").partition(" ")
        self.send_response_only(int(status))
        self.send_header("Content-Type", kind)
        self.send_header("Date", "Thu, 01 Jan 1970 00:00:00 GMT")  # a clock that is wrong
        self.send_header("Content-Length", str(1 << 30 if head == "huge" else len(body.encode("latin-1"))))
        self.end_headers()
        if head == "huge":
            self.close_connection = True
            try:
                while True:
                    self.wfile.write(b'{"access_token": "' + b"a" * 65536)
            except OSError:
                return
        self.wfile.write(body.encode("latin-1"))


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Handler)
with open(ready + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_port))
os.rename(ready + ".new", ready)
server.serve_forever()
