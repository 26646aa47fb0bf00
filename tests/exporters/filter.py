#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Expressions that both flowbraid and nfdump understand, made from the flows that there are; and how many flows each selects.

    filter.py SEED COUNT FLOWS LOG THEIRS

FLOWS: JSON as `flowbraid cat -F json` prints it; LOG: a node's log; THEIRS: nfcapd's folder. $FLOWBRAID is the command. Prints a line
each that differs, and at the end how many were the same; exits 1 when any was not, or when most select all or nothing.
"""
import json
import os
import random
import subprocess
import sys


def leaf(r, flows):
    f = r.choice(flows)
    v4 = "sourceIPv4Address" in f
    source = f["sourceIPv4Address" if v4 else "sourceIPv6Address"]
    destination = f["destinationIPv4Address" if v4 else "destinationIPv6Address"]
    side = r.choice(["src ", "dst ", ""])
    address = r.choice([source, destination])
    op = r.choice(["=", "<", ">"])
    port = r.choice([f.get("sourceTransportPort", 0), f.get("destinationTransportPort", 0)])
    choices = [
        lambda: f"{side}ip {address}",
        lambda: f"{side}net {address}/{r.choice([8, 16, 24, 30] if v4 else [32, 48, 64])}",
        lambda: f"{side}ip in [{source} {destination}]",
        lambda: f"proto {f['protocolIdentifier']}",
        lambda: r.choice(["proto tcp", "proto udp", "ipv4", "ipv6", "any"]),
        lambda: f"packets {op} {f['packetDeltaCount']}",
        lambda: f"bytes {op} {f['octetDeltaCount']}",
        lambda: f"bytes > {r.choice([1, 2, 5, 10])}k",
        # Ports of TCP and UDP: of ICMP nfdump takes type and code for a port.
        lambda: f"(proto tcp or proto udp) and {side}port {op} {port}",
        lambda: f"(proto tcp or proto udp) and {side}port in [{port} {r.randrange(65536)}]",
        lambda: f"proto tcp and flags {r.choice('SFAPR')}",
        lambda: f"bpp {op} {f['octetDeltaCount'] // f['packetDeltaCount']}",
    ]
    return r.choice(choices)()


def expression(r, flows, depth):
    if depth == 0 or r.random() < 0.3:
        return leaf(r, flows)
    what = r.random()
    if what < 0.2:
        return f"not ({expression(r, flows, depth - 1)})"
    return f"({expression(r, flows, depth - 1)}) {'and' if what < 0.6 else 'or'} ({expression(r, flows, depth - 1)})"


def lines(command):
    p = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"})
    return p.returncode, p.stdout, p.stderr


def main():
    seed, count, flows, log, theirs = sys.argv[1:]
    r = random.Random(int(seed))
    flows = [f for f in map(json.loads, open(flows)) if not f.get("options") and f["packetDeltaCount"] > 0]
    same, telling, wrong = 0, 0, 0
    for _ in range(int(count)):
        e = expression(r, flows, r.randrange(4))
        status, out, err = lines([os.environ["FLOWBRAID"], "cat", "-q", "-c", log, "--", e])
        if status != 0:
            print(f"{e}: flowbraid says {err}")
            wrong += 1
            continue
        ours = int(out)
        status, out, err = lines(["nfdump", "-q", "-R", theirs, "-o", "fmt:%pr", e])
        them = sum(1 for line in out.splitlines() if line.strip() and line.strip() != "No matching flows")
        if status != 0 or ours != them:
            print(f"{e}: flowbraid selects {ours}, nfdump {them} {err.strip()}")
            wrong += 1
            continue
        same += 1
        telling += 0 < ours < len(flows)
    print(f"{same} of {count} expressions select as many flows; {telling} some and not all of {len(flows)}")
    sys.exit(wrong > 0 or telling < int(count) // 2)


main()
