# SPDX-License-Identifier: ISC
"""What the servers fake-aws, fake-gcp, fake-azure and fake-github share.  They are not what they are named after: they check that a
request is to the letter what its documentation says, and answer as that says, or wrongly where a test wants that.

    fake-NAME DIR

DIR has the keys ISSUER.pem and ISSUER.pub of those who sign.  DIR/NAME.port is written once the server listens, on 127.0.0.1; DIR/NAME.log
has a line for each request: "METHOD PATH STATUS", or "BAD ..." with what is wrong with it.  DIR/NAME.fault is read at each request; of its
lines "PART FAULT" the first whose PART is in the path is what happens instead:

    malformed       200 with half of a JSON document          list, empty, bare   200 with [], {}, nothing
    huge            200 and 64 MiB                            down                503
    once, busy      503, and 429 with Retry-After: 1, for the first such request; then what is right
    drop            no answer, for the first such request     redirect            302 to another origin
    echo            400 with what was sent as the error       forbidden           403 with what was sent as the message
    slow            a byte a second
    anything else is for the server itself, as "expired"
"""
import base64
import http.server
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse


class Bad(Exception):
    """The request is not as it has to be."""


class Refused(Exception):
    """What a real server would answer with a status and a JSON document."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


def want(true, why):
    if not true:
        raise Bad(why)


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def issue(key, claims):
    """A JWT, signed RS256 by openssl with the file KEY."""
    head = b64url(b'{"alg":"RS256","typ":"JWT"}') + "." + b64url(json.dumps(claims).encode())
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=head.encode(), stdout=subprocess.PIPE, check=True)
    return head + "." + b64url(signed.stdout)


def verify(public, jwt):
    """(header, claims) of a JWT whose signature openssl has verified with the file PUBLIC; None: it is not genuine."""
    parts = jwt.split(".")
    if len(parts) != 3 or "=" in jwt:
        return None
    with tempfile.NamedTemporaryFile() as f:
        f.write(unb64url(parts[2]))
        f.flush()
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", f.name],
                              input=".".join(parts[:2]).encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        return None
    header, claims = (json.loads(unb64url(p)) for p in parts[:2])
    return (header, claims) if header["alg"] == "RS256" else None


class Request:
    def __init__(self, handler):
        split = urllib.parse.urlsplit(handler.path)
        self.method, self.path, self.headers = handler.command, split.path, handler.headers
        self.raw, self.query = split.query, urllib.parse.parse_qsl(split.query, keep_blank_values=True, strict_parsing=bool(split.query))
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.fault = None

    def form(self):
        want(self.headers["Content-Type"] == "application/x-www-form-urlencoded", "no form")
        fields = urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        want(len(dict(fields)) == len(fields), "a field comes twice")
        return dict(fields)

    def bearer(self):
        kind, _, token = (self.headers["Authorization"] or "").partition(" ")
        want(kind == "Bearer" and token, "no bearer token")
        return token


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = where = answer = None
    seen = set()

    def fault(self):
        try:
            with open(f"{self.where}/{self.name}.fault", encoding="utf-8") as f:
                for line in f:
                    part, fault = line.split()
                    if part in self.path:
                        return fault, (part, fault)
        except FileNotFoundError:
            pass
        self.seen.clear()
        return None, None

    def log_message(self, *_):
        pass

    def line(self, text):
        with open(f"{self.where}/{self.name}.log", "a", encoding="utf-8") as f:
            print(text, file=f, flush=True)

    def send(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.line(f"{self.command} {self.path.partition('?')[0]} {status}")
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def wrong(self, fault, key, request):
        """Do what a line of DIR/NAME.fault says; False: nothing, what is right follows."""
        sent = request.headers["Authorization"] or request.body.decode()
        first = key not in self.seen
        self.seen.add(key)
        plain = {"malformed": (200, '{"access_token": "x", '), "list": (200, "[1]"), "empty": (200, "{}"), "bare": (200, ""), "down": (503, {}),
                 "redirect": (302, "", [("Location", "http://127.0.0.2:1/")]), "echo": (400, {"error": sent}),
                 "forbidden": (403, {"error": {"code": "Forbidden", "message": sent}})}
        if fault in plain:
            self.send(*plain[fault])
        elif fault == "once" and first:
            self.send(503, {})
        elif fault == "busy" and first:
            self.send(429, {}, [("Retry-After", "1")])
        elif fault == "drop" and first:
            self.line("dropped")
            self.close_connection = True
        elif fault in ("huge", "slow"):
            self.line(fault)
            self.send_response(200)
            self.send_header("Content-Length", str(64 << 20))
            self.end_headers()
            try:
                for _ in range(1024):
                    self.wfile.write(b"x" * 65536 if fault == "huge" else b"x")
                    time.sleep(1 if fault == "slow" else 0)
            except OSError:
                pass
            self.close_connection = True
        else:
            return False
        return True

    def serve(self):
        request = Request(self)
        fault, key = self.fault()
        if fault and self.wrong(fault, key, request):
            return
        request.fault = fault
        try:
            self.send(*self.answer(request))
        except Refused as refused:
            self.send(refused.status, refused.body)
        except (Bad, KeyError, ValueError) as bad:
            self.line(f"BAD {self.command} {self.path}: {bad!r}")
            self.send(400, {"error": "BadRequest"})

    do_GET = do_POST = do_PUT = serve


def main(name, answer):
    Handler.name, Handler.where, Handler.answer = name, sys.argv[1], staticmethod(answer)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ready = f"{Handler.where}/{name}.port"
    with open(ready + ".new", "w", encoding="ascii") as f:
        f.write(str(server.server_port))
    os.rename(ready + ".new", ready)
    server.serve_forever()
