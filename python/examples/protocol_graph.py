#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Traffic by protocol over time, as an SVG picture or as text. After flowd's flow_rrd.py, without a database: what is drawn is
what an archive holds. A flow's octets are spread evenly over its time."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections import defaultdict
from typing import DefaultDict, Dict, List, Tuple

import flowbraid

KINDS = ("tcp", "udp", "icmp", "other")
COLOURS = ("#4878a8", "#e49444", "#6a9f58", "#a0a0a0")
NAMES = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_ICMP: "icmp", 58: "icmp"}
NS = 1_000_000_000
STEPS_MOST = 10_000
WIDTH, HEIGHT, MARGIN = 800, 300, 60

Steps = Dict[int, Dict[str, float]]


def add(steps: DefaultDict[int, DefaultDict[str, float]], step: int, kind: str, start: int, end: int, octets: int) -> None:
    first, last = start // step, max(start, end - 1) // step
    if first == last or last - first > STEPS_MOST:  # a flow of weeks says nothing about a minute
        steps[last][kind] += octets
        return
    for at in range(first, last + 1):
        part = min(end, (at + 1) * step) - max(start, at * step)
        steps[at][kind] += octets * part / (end - start)


def read(paths: List[str], expression: str, step: int) -> Steps:
    steps: DefaultDict[int, DefaultDict[str, float]] = defaultdict(lambda: defaultdict(float))
    with flowbraid.open(*paths, expression=expression) as reader:
        for flow in reader:
            start = flow.start_ns if flow.start_ns is not None else flow.received.ns
            end = flow.end_ns if flow.end_ns is not None else start
            kind = NAMES.get(flow.protocol if flow.protocol is not None else -1, "other")
            add(steps, step, kind, start, max(start, end), flow.octets or 0)
    return {at: dict(by_kind) for at, by_kind in steps.items()}


def rate(steps: Steps, at: int, kind: str, step: int) -> float:
    """Bits a second."""
    return steps.get(at, {}).get(kind, 0.0) * 8 * NS / step


def text(steps: Steps, step: int) -> str:
    lines = ["time " + " ".join(f"{kind}-bit/s" for kind in KINDS)]
    for at in sorted(steps):
        rates = " ".join(f"{rate(steps, at, kind, step):.0f}" for kind in KINDS)
        lines.append(f"{flowbraid.Time.from_ns(at * step)} {rates}")
    return "\n".join(lines) + "\n"


def svg(steps: Steps, step: int) -> str:
    first, last = min(steps), max(steps)
    if last - first > STEPS_MOST:
        raise ValueError(f"{last - first} steps of time; --step can be longer")
    most = max(sum(rate(steps, at, kind, step) for kind in KINDS) for at in steps) or 1.0
    span = last - first + 1

    def place(at: int, height: float) -> str:
        return f"{MARGIN + (at - first) * WIDTH / span:.1f},{MARGIN + HEIGHT - height * HEIGHT / most:.1f}"

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * MARGIN}" height="{HEIGHT + 2 * MARGIN}"'
        ' font-family="sans-serif" font-size="12">',
        f'<text x="{MARGIN}" y="{MARGIN - 30}">bit/s by protocol, at most {most:.0f}</text>',
    ]
    below = [0.0] * span
    for kind, colour in zip(KINDS, COLOURS):
        above = [height + rate(steps, first + i, kind, step) for i, height in enumerate(below)]
        edge: List[Tuple[int, float]] = []
        for i, height in enumerate(above):
            edge += [(first + i, height), (first + i + 1, height)]
        for i in reversed(range(span)):
            edge += [(first + i + 1, below[i]), (first + i, below[i])]
        points = " ".join(place(at, height) for at, height in edge)
        out.append(f'<polygon fill="{colour}" points="{points}"><title>{kind}</title></polygon>')
        below = above
    for i, (kind, colour) in enumerate(zip(KINDS, COLOURS)):
        x = MARGIN + 80 * i
        out.append(f'<rect x="{x}" y="{MARGIN - 20}" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{x + 14}" y="{MARGIN - 11}">{kind}</text>')
    for at, anchor in ((first, "start"), (last + 1, "end")):
        x = MARGIN if anchor == "start" else MARGIN + WIDTH
        when = str(flowbraid.Time.from_ns(at * step))[:19]
        out.append(f'<text x="{x}" y="{MARGIN + HEIGHT + 20}" text-anchor="{anchor}">{when}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-s", "--step", type=float, default=60, help="seconds that one value stands for (60)")
    parser.add_argument("-t", "--text", action="store_true", help="a table instead of a picture")
    parser.add_argument("-e", "--expression", help="only flows that match; flowbraid-filter(7)")
    parser.add_argument("path", nargs="+", help="log folder, segment or archive")
    given = parser.parse_args()
    step = int(given.step * NS)
    if step < 1:
        raise ValueError(f"--step {given.step}: expected more than nothing")
    steps = read(given.path, given.expression, step)
    if not steps:
        raise ValueError("there are no flows to draw")
    sys.stdout.write(text(steps, step) if given.text else svg(steps, step))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends it quietly
    try:
        sys.exit(main())
    except (flowbraid.Error, ValueError) as why:
        sys.exit(f"{sys.argv[0]}: {why}")
