#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A line for each flow, or all that is in it: the first program to write with the flowbraid module."""

from __future__ import annotations

import argparse
import signal
import sys

import flowbraid


def port(address: object, number: object) -> str:
    return f"{'-' if address is None else address}:{'-' if number is None else number}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="every field of each flow")
    parser.add_argument("-e", "--expression", help="only flows that match; flowbraid-filter(7)")
    parser.add_argument("--since", help="only datagrams received from then on (UTC)")
    parser.add_argument("--until", help="... and before then")
    parser.add_argument("path", nargs="+", help="log folder, segment or archive")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    with flowbraid.open(
        *given.path, expression=given.expression, since=given.since, until=given.until, on_finding=say
    ) as reader:
        for flow in reader:
            when = flow.start or flow.received
            print(
                f"{when} {port(flow.src, flow.src_port)} > {port(flow.dst, flow.dst_port)}"
                f" protocol {flow.protocol} packets {flow.packets} octets {flow.octets} from {flow.exporter}"
            )
            if given.verbose:
                for name, value in flow.items():
                    print(f"    {name} {value.hex() if isinstance(value, bytes) else value}")
        return 1 if reader.findings else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends it quietly
    try:
        sys.exit(main())
    except (flowbraid.Error, ValueError) as why:
        sys.exit(f"{sys.argv[0]}: {why}")
