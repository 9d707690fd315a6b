#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Serves git repositories over https on loopback with git's own http-backend, to known accounts only.

    git-server.py --root DIR --ready FILE --cert PEM --key PEM [--log FILE] < ACCOUNTS

ACCOUNTS are lines "PATH-PREFIX USER PASSWORD", read once, from standard input, so that they are never on disk. A repository below
a prefix is for that prefix's accounts; everything else is refused. The port, chosen by the kernel, is written to FILE.
"""
import argparse
import base64
import hmac
import http.server
import os
import ssl
import subprocess
import sys

BACKEND = os.path.join(subprocess.run(["git", "--exec-path"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip(),
                       "git-http-backend")


class Git(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    accounts, root, journal = (), "", None

    def user(self, path):
        """Who asks, if that account may see the path."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(value, validate=True) if kind.lower() == "basic" else b""
        except ValueError:
            given = b""
        for prefix, user, password in self.accounts:
            inside = path == prefix or path.startswith(prefix.rstrip("/") + "/")
            if inside and hmac.compare_digest(given, f"{user}:{password}".encode()):
                return user
        return None

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while n := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(n))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        path, _, query = self.path.partition("?")
        data, user = self.body(), self.user(path)
        print(self.command, path, user or "-", file=self.journal, flush=True)
        if user is None:
            return self.answer(401, [("WWW-Authenticate", 'Basic realm="private"')], b"who are you?\n")
        env = dict(os.environ, GIT_PROJECT_ROOT=self.root, GIT_HTTP_EXPORT_ALL="1", REMOTE_USER=user, PATH_INFO=path,
                   QUERY_STRING=query, REQUEST_METHOD=self.command, CONTENT_LENGTH=str(len(data)),
                   CONTENT_TYPE=self.headers.get("Content-Type", ""), GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""))
        out = subprocess.run([BACKEND], input=data, stdout=subprocess.PIPE, env=env, check=False).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode("latin-1").splitlines()]
        status = next((int(v[:3]) for k, v in headers if k == "Status"), 200)
        return self.answer(status, [h for h in headers if h[0] != "Status"], body)

    do_GET = do_POST = serve

    def log_message(self, format, *args):
        pass


def main():
    p = argparse.ArgumentParser()
    for name in ("root", "ready", "cert", "key"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--log", default=os.devnull)
    args = p.parse_args()
    Git.root = os.path.abspath(args.root)
    Git.journal = open(args.log, "a", encoding="utf-8")
    Git.accounts = [tuple(line.split()) for line in sys.stdin if line.strip()]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Git)
    # The handshake belongs to the thread of the connection, not to the loop that accepts.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(args.ready + ".new", "w", encoding="ascii") as f:
        f.write(f"{server.server_address[1]}\n")
    os.rename(args.ready + ".new", args.ready)
    server.serve_forever()


if __name__ == "__main__":
    main()
