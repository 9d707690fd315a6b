#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A directory on 127.0.0.1 for whoever has its user name and password (Basic), as package indexes and Composer
repositories are.  The password comes from standard input; each request is a line of the log: status, path.

    files.py --root DIR --ready FILE --log FILE --user NAME <PASSWORD
"""

import argparse
import base64
import functools
import hmac
import http.server
import os
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args, expected, log, **more):
        self.expected = expected
        self.log = log
        super().__init__(*args, **more)

    def send_head(self):
        given = self.headers.get("Authorization", "").encode()
        if hmac.compare_digest(given, self.expected):
            return super().send_head()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="files"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def log_request(self, code="-", size="-"):
        print(int(code), self.path, file=self.log, flush=True)

    def log_message(self, form, *args):
        pass


def main():
    p = argparse.ArgumentParser()
    for name in ("root", "ready", "log", "user"):
        p.add_argument("--" + name, required=True)
    a = p.parse_args()
    account = f"{a.user}:{sys.stdin.read().strip()}".encode()
    with open(a.log, "a", encoding="ascii") as log:
        handler = functools.partial(Handler, directory=a.root, log=log, expected=b"Basic " + base64.b64encode(account))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        with open(a.ready + ".new", "w", encoding="ascii") as f:
            print(server.server_address[1], file=f)
        os.rename(a.ready + ".new", a.ready)
        server.serve_forever()


main()
