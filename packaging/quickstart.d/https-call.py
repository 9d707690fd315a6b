#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""One https request that trusts one CA: https-call.py CA METHOD URL < BODY (for PUT). Prints the answer's body; 1 when it is an error."""
import ssl
import sys
import urllib.error
import urllib.request

ca, method, url = sys.argv[1:]
body = sys.stdin.buffer.read() if method == "PUT" else None
# Proxies of the environment are for other places than loopback.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                     urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
try:
    with opener.open(request, timeout=30) as answer:
        sys.stdout.buffer.write(answer.read())
except (urllib.error.URLError, OSError) as e:
    sys.exit(f"{method} {url}: {e}")
