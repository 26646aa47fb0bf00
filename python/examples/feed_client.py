#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Reads a live feed of flows, newline JSON from a Unix socket, and prints what comes, or every so often a sum. After flowd's
sockclient.py. It needs nothing but Python."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
import time
from typing import Any, Dict, Iterator


def lines(path: str) -> Iterator[bytes]:
    """Until the other side closes; a last line without its end is dropped."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as feed:
        feed.connect(path)
        with feed.makefile("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield line


def short(flow: Dict[str, Any]) -> str:
    def first(*names: str) -> Any:
        return next((flow[name] for name in names if name in flow), "-")

    return (
        f"{first('flowStart', 'received')}"
        f" {first('sourceIPv4Address', 'sourceIPv6Address')}:{first('sourceTransportPort')}"
        f" > {first('destinationIPv4Address', 'destinationIPv6Address')}:{first('destinationTransportPort')}"
        f" protocol {first('protocolIdentifier')} packets {first('packetDeltaCount', 'packetTotalCount')}"
        f" octets {first('octetDeltaCount', 'octetTotalCount')} from {first('exporter')}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-s", "--sum", type=float, metavar="SECONDS", help="sums every so often, no flows")
    parser.add_argument("socket", help="path of the feed's socket")
    given = parser.parse_args()
    flows = octets = others = 0
    due = time.monotonic() + (given.sum or 0)
    for line in lines(given.socket):
        try:
            flow = json.loads(line)
        except ValueError:
            flow = None
        if not isinstance(flow, dict) or "exporter" not in flow:
            others += 1  # what is no flow, such as how many were lost
            continue
        if given.sum is None:
            print(short(flow), flush=True)
        flows += 1
        counted = flow.get("octetDeltaCount", flow.get("octetTotalCount", 0))
        octets += counted if isinstance(counted, int) else 0
        if given.sum is not None and time.monotonic() >= due:
            print(f"{flows} flows {octets} octets", flush=True)
            due = time.monotonic() + given.sum
    print(f"end of the feed: {flows} flows {octets} octets, {others} other lines")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends it quietly
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        pass
    except OSError as why:
        sys.exit(f"{sys.argv[0]}: {why}")
