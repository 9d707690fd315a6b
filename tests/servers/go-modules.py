#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A private Go module proxy over https, to one account only.

    go-modules.py --modules DIR --address IP[:PORT] --ready FILE --cert PEM --key PEM --log FILE < ACCOUNT

DIR/MODULE@VERSION/ is the source of a module. ACCOUNT is "USER PASSWORD"; every line that arrives replaces the account, so that a
test can change the token of a running server. Endpoints are those of the GOPROXY protocol: .info, .mod, .zip, list and latest.
"""
import argparse
import base64
import hmac
import http.server
import io
import json
import os
import ssl
import sys
import threading
import zipfile


class Modules(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account, root, journal = b"", "", None

    def answer(self, status, body, kind="text/plain", headers=()):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def allowed(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(value, validate=True) if kind.lower() == "basic" else b""
        except ValueError:
            given = b""
        return hmac.compare_digest(given, self.account)

    def module(self, module, version, suffix):
        top = os.path.join(self.root, f"{module}@{version}")
        if ".." in top or not os.path.isdir(top):
            return None
        if suffix == "info":
            return json.dumps({"Version": version, "Time": "2024-01-01T00:00:00Z"}).encode()
        if suffix == "mod":
            with open(os.path.join(top, "go.mod"), "rb") as f:
                return f.read()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            for name in sorted(os.listdir(top)):
                # One fixed time, or the module would have another hash each time.
                info = zipfile.ZipInfo(f"{module}@{version}/{name}", (2024, 1, 1, 0, 0, 0))
                with open(os.path.join(top, name), "rb") as f:
                    z.writestr(info, f.read())
        return out.getvalue()

    def do_GET(self):
        allowed = self.allowed()
        print(self.path, "allowed" if allowed else "refused", file=self.journal, flush=True)
        if not allowed:
            return self.answer(401, b"who are you?\n", headers=[("WWW-Authenticate", 'Basic realm="modules"')])
        module, _, rest = self.path.lstrip("/").partition("/@v/")
        version, _, suffix = rest.rpartition(".")
        body = self.module(module, version, suffix) if suffix in ("info", "mod", "zip") else None
        if body is None:
            return self.answer(404, b"not found\n")
        return self.answer(200, body)

    def log_message(self, format, *args):
        pass


def follow_account():
    for line in sys.stdin:
        Modules.account = ":".join(line.split()).encode()
        print("account changed", file=Modules.journal, flush=True)


def main():
    p = argparse.ArgumentParser()
    for name in ("modules", "address", "ready", "cert", "key", "log"):
        p.add_argument("--" + name, required=True)
    args = p.parse_args()
    Modules.root = os.path.abspath(args.modules)
    Modules.journal = open(args.log, "a", encoding="utf-8")
    Modules.account = ":".join(sys.stdin.readline().split()).encode()
    threading.Thread(target=follow_account, daemon=True).start()
    host, _, port = args.address.partition(":")
    server = http.server.ThreadingHTTPServer((host, int(port or 443)), Modules)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(args.ready, "w", encoding="ascii") as f:
        f.write(f"{server.server_address[1]}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
