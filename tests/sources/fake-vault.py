#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Not a Vault: a server that answers as none of theirs does, or as a standby node of one.

    fake-vault.py --ready FILE --log FILE [--cert PEM --key PEM] MODE [ARGUMENT]

    slow            a byte of the answer's body every tenth of a second        slow-head    of its head
    silent          takes the request and says nothing
    large           a body of one GB                                           large-head   headers without end
    json TEXT       every answer is TEXT
    status N TEXT   the same with that status
    redirect URL    307 to URL, or this server itself, and the request's path
    busy N          429 with Retry-After: 1 to the first N requests
    cut N           the first N are cut off in the middle of the answer
    echo            403 with the token in the text of the error
    blind           says to nobody what is mounted; there are two/ of version 2 with one secret, and old/ of version 1
    lease SECONDS   logs in whoever asks, and gives an account for a time, by its own leisure
    drop PATH       the same, but a request to that is cut off without an answer
    turn STATUS     the same, but the first request to each path is answered with that status
    secret VALUE    answers as it should: VALUE is the field "password" of everything

The log has a line for each request: METHOD PATH, and "token" or "none".
"""
import argparse
import http.server
import json
import os
import ssl
import time

args = None
left = 0
turned = set()


class Fake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text, *headers):
        body = text.encode("utf-8", "surrogateescape")
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def right(self, value="fake-secret"):
        if "/sys/internal/ui/mounts/" in self.path:
            path = self.path.split("/mounts/")[1]
            self.answer(200, json.dumps({"data": {"path": path.split("/")[0] + "/", "type": "kv", "options": None}}))
        else:
            self.answer(200, json.dumps({"lease_id": "", "data": {"password": value}}))

    def lease(self, seconds):
        if "/sys/internal/ui/mounts/" in self.path:
            self.answer(200, json.dumps({"data": {"path": "database/", "type": "database", "options": None}}))
        elif "/login" in self.path:
            auth = {"client_token": "fake-token", "lease_duration": 3600, "renewable": True}
            self.answer(200, json.dumps({"auth": auth}))
        elif "/creds/" in self.path:
            time.sleep(seconds)
            lease = {"lease_id": "database/creds/app/1", "lease_duration": 3600, "renewable": True}
            self.answer(200, json.dumps({**lease, "data": {"username": "u", "password": "fake-secret"}}))
        else:
            self.answer(204, "")

    def do_GET(self):
        global left
        token = self.headers.get("X-Vault-Token")
        with open(args.log, "a") as f:
            print(self.command, self.path, "token" if token else "none", file=f)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mode, arg = args.mode, args.argument
        if mode in ("slow", "slow-head"):
            text = b'HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n' + (b"" if mode == "slow-head" else b"\r\n{")
            self.wfile.write(text)
            while True:
                self.wfile.write(b"X" if mode == "slow-head" else b" ")
                time.sleep(0.1)
        elif mode == "silent":
            time.sleep(60)
        elif mode == "large":
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{"data":{"password":"')
            for _ in range(1024):
                self.wfile.write(b"x" * 1048576)
        elif mode == "large-head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for i in range(1000000):
                self.wfile.write(b"X-%d: %s\r\n" % (i, b"x" * 1000))
        elif mode == "json":
            self.answer(200, arg)
        elif mode == "status":
            self.answer(int(arg.split(" ", 1)[0]), arg.split(" ", 1)[1])
        elif mode == "redirect":
            where = f"https://127.0.0.1:{self.server.server_address[1]}" if arg == "self" else arg
            self.answer(307, "", ("Location", where + self.path))
        elif mode in ("busy", "cut") and left > 0:
            left -= 1
            if mode == "busy":
                self.answer(429, '{"errors":["too many"]}', ("Retry-After", "1"))
            else:
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"data":')
                self.close_connection = True
        elif mode == "blind":
            answers = {
                "/v1/two/data/app": (200, {"data": {"data": {"password": "two"}, "metadata": {"created_time": "x"}}}),
                "/v1/two/data/gone": (404, {"data": {"data": None, "metadata": {"created_time": "x", "deletion_time": "y"}}}),
                "/v1/old/data/app": (200, {"data": {"password": "data"}}),
                "/v1/old/data/data/app": (404, {"errors": []}),
                "/v1/old/app": (200, {"data": {"password": "one"}}),
            }
            status, answer = answers.get(self.path, (403, {"errors": ["permission denied"]}))
            self.answer(status, json.dumps(answer))
        elif mode == "drop" and self.path == "/v1/" + arg:
            self.close_connection = True
        elif mode == "turn" and self.path not in turned:
            turned.add(self.path)
            self.answer(int(arg), '{"errors":["not now"]}')
        elif mode in ("lease", "drop", "turn"):
            self.lease(float(arg) if mode == "lease" else 0)
        elif mode == "echo":
            self.answer(403, json.dumps({"errors": ["no: " + str(token)]}))
        else:
            self.right(arg if mode == "secret" else "fake-secret")

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass


parser = argparse.ArgumentParser()
for name in ("--ready", "--log"):
    parser.add_argument(name, required=True)
for name in ("--cert", "--key"):
    parser.add_argument(name)
parser.add_argument("mode")
parser.add_argument("argument", nargs="?", default="")
args = parser.parse_args()
left = int(args.argument) if args.mode in ("busy", "cut") else 0
server = Server(("127.0.0.1", 0), Fake)
if args.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(args.ready + ".new", "w") as f:
    print(server.server_address[1], file=f)
os.rename(args.ready + ".new", args.ready)
server.serve_forever()
