#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A real ftp server (pyftpdlib) for one user, who reads the files of a directory.

    ftp-files.py --root DIR --ready PORTFILE --log FILE --user USER [--rate BYTES_PER_SECOND] < PASSWORD
"""
import argparse
import logging
import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler
from pyftpdlib.servers import FTPServer

p = argparse.ArgumentParser()
for name in ("root", "ready", "log", "user"):
    p.add_argument("--" + name, required=True)
p.add_argument("--rate", type=int, default=0)
args = p.parse_args()
logging.basicConfig(filename=args.log, level=logging.DEBUG)


class Slow(ThrottledDTPHandler):
    read_limit = write_limit = args.rate


class Files(FTPHandler):
    authorizer = DummyAuthorizer()
    auth_failed_timeout = 0
    if args.rate:
        dtp_handler = Slow


Files.authorizer.add_user(args.user, sys.stdin.readline().rstrip("\n"), args.root, perm="elr")
server = FTPServer(("127.0.0.1", 0), Files)
with open(args.ready + ".new", "w", encoding="utf-8") as f:
    f.write(str(server.address[1]))
os.rename(args.ready + ".new", args.ready)
server.serve_forever()
