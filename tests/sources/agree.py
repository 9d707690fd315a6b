#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A person with a browser: agree.py CA PAGE CODE [deny], at a page of tests/sources/issuer.mjs."""
import html
import http.cookiejar
import re
import ssl
import sys
import urllib.parse
import urllib.request

ca, page, code = sys.argv[1:4]
deny = sys.argv[4:] == ["deny"]
browser = urllib.request.build_opener(
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))


def opened(url, data=None):
    answer = browser.open(url, data)
    answer.text = answer.read().decode()
    return answer


def send(answer, **values):
    """Fill in the form of a page that was opened; the next page."""
    text = answer.text
    form = re.search(r'<form[^>]* action="([^"]*)"', text)
    assert form, text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', text))
    url = urllib.parse.urljoin(answer.geturl(), html.unescape(form.group(1)))
    return opened(url, urllib.parse.urlencode({**fields, **values}).encode())


confirm = send(opened(page), user_code=code)
if deny:
    try:
        send(confirm, abort="yes")
    except urllib.error.HTTPError as e:
        assert e.code == 400, e
    sys.exit()
now = send(confirm, confirm="yes")
for _ in range(4):
    if "was successful" in now.text:
        sys.exit()
    now = send(now, **({"login": "alice", "password": "any"} if 'name="login"' in now.text else {}))
sys.exit(now.text)
