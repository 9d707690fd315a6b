# SPDX-License-Identifier: ISC
"""The packages of a conda channel, by the library that pixi and rattler-build are made of: conda.py CHANNEL CACHE"""
import asyncio
import os
import pathlib
import sys

from rattler import Channel, Platform, fetch_repo_data
from rattler.exceptions import FetchRepoDataError
from rattler.networking import Client


async def main(channel, cache):
    client = Client.default_client(max_retries=0)
    found = await fetch_repo_data(channels=[Channel(channel)], platforms=[Platform("noarch")], cache_path=pathlib.Path(cache),
                                  callback=None, client=client)
    print(*sorted(name for data in found for name in data.package_names()))


status = 0
try:
    asyncio.run(main(*sys.argv[1:]))
except FetchRepoDataError as e:
    print(e, file=sys.stderr)
    status = 1
sys.stdout.flush()
# The library's threads do not always survive the end of the interpreter.
os._exit(status)
