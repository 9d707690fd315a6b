#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A https server that gives the files of a directory to those who present the right credential.

    private-files.py --root DIR --ready FILE --log FILE --cert PEM --key PEM [--address IP[:PORT]] < RULES

A rule is a line of words, and rules may come while it runs; the rule with the longest PREFIX counts:
    basic PREFIX USER PASSWORD      bearer PREFIX TOKEN      header PREFIX NAME VALUE
    open PREFIX                     redirect PREFIX URL      hide PREFIX (404 instead of 401)    forget (all rules)
VALUE, PASSWORD and TOKEN are the rest of the line.  A directory is its index.html, else index.json.  The lines of FILE.headers, if there is
one, are answered as headers, with status 204 where FILE itself is not there.  What is PUT or POSTed is kept below
the root where the rule allows it.  Each request is a line of the log: METHOD PATH STATUS, and "with" or "without" a credential.
"""
import argparse
import base64
import hmac
import http.server
import mimetypes
import os
import ssl
import sys
import threading
import urllib.parse

rules = []


def follow(stream):
    for line in stream:
        verb, *rest = line.rstrip("\n").split(" ", 1)
        if verb == "forget":
            rules.clear()
        elif rest:
            prefix, _, tail = rest[0].partition(" ")
            rules.append((prefix, verb, tail))
        print("rule", verb, file=Files.journal, flush=True)


class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root, journal = "", None

    def rule(self):
        found = ("", "refuse", "")
        for prefix, verb, tail in rules:
            if self.path.startswith(prefix) and len(prefix) >= len(found[0]):
                found = (prefix, verb, tail)
        return found

    def allowed(self, verb, tail):
        if verb == "open":
            return True
        if verb in ("basic", "hide"):
            user, _, password = tail.partition(" ")
            wanted = ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
        elif verb == "bearer":
            wanted = ("Authorization", "Bearer " + tail)
        elif verb == "header":
            wanted = tuple(tail.split(" ", 1))
        else:
            return False
        return hmac.compare_digest(self.headers.get(wanted[0], "").encode(), wanted[1].encode())

    def place(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        top = os.path.realpath(os.path.join(self.root, path.lstrip("/")))
        return top if top == self.root or top.startswith(self.root + os.sep) else None

    def answer(self, status, body=b"", kind="text/plain", **headers):
        given = any(k.lower() in ("authorization", "private-token", "x-api-key", "job-token") for k in self.headers.keys())
        print(self.command, self.path, status, "with" if given else "without", file=self.journal, flush=True)
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers.items()):
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, verb):
        if verb == "hide":
            return self.answer(404, b"not found\n")
        kind = "Bearer" if verb == "bearer" else "Basic"
        return self.answer(401, b"who are you?\n", WWW_Authenticate=f'{kind} realm="private"')

    def do_GET(self):
        prefix, verb, tail = self.rule()
        if verb == "redirect":
            return self.answer(302, Location=tail + self.path[len(prefix):])
        if not self.allowed(verb, tail):
            return self.refuse(verb)
        place = self.place()
        extra = {}
        if place and os.path.isfile(place + ".headers"):
            with open(place + ".headers", encoding="utf-8") as f:
                extra = dict(line.rstrip("\n").split(": ", 1) for line in f)
        for name in ("", "index.html", "index.json") if place else ():
            at = os.path.join(place, name) if name else place
            if os.path.isfile(at):
                with open(at, "rb") as f:
                    return self.answer(200, f.read(), mimetypes.guess_type(at)[0] or "application/octet-stream", **extra)
        return self.answer(204, **extra) if extra else self.answer(404, b"not found\n")

    do_HEAD = do_GET

    def do_PUT(self):
        _, verb, tail = self.rule()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        place = self.place()
        if not self.allowed(verb, tail):
            return self.refuse(verb)
        if not place or os.path.isdir(place):
            place = os.path.join(self.root, "posted")
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as f:
            f.write(body)
        return self.answer(201)

    do_POST = do_PUT

    def log_message(self, format, *args):
        pass


def main():
    p = argparse.ArgumentParser()
    for name in ("root", "ready", "log", "cert", "key"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--address", default="127.0.0.1:0")
    args = p.parse_args()
    Files.root = os.path.realpath(args.root)
    Files.journal = open(args.log, "a", encoding="utf-8")
    threading.Thread(target=follow, args=(sys.stdin,), daemon=True).start()
    host, _, port = args.address.partition(":")
    server = http.server.ThreadingHTTPServer((host, int(port or 443)), Files)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(args.ready, "w", encoding="ascii") as f:
        f.write(f"{server.server_address[1]}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
