#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A stand-in for GitHub's service of identity tokens, which only its own jobs reach: it gives the one in a file for one
audience.

    fake-github-oidc.py PORT-FILE JOB-TOKEN AUDIENCE JWT-FILE
"""
import http.server
import json
import os
import sys
import urllib.parse

port_file, job_token, audience, jwt_file = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        ok = (self.headers["Authorization"] == f"Bearer {job_token}" and query == {"api-version": ["2.0"], "audience": [audience]}
              and "application/json" in self.headers["Accept"])
        with open(jwt_file, encoding="ascii") as f:
            body = json.dumps({"value": f.read().strip()} if ok else {"message": "no"}).encode()
        self.send_response(200 if ok else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_port))
os.rename(port_file + ".new", port_file)
server.serve_forever()
