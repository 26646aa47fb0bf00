#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Tells what happened in a run of the demo, and checks it against what the switch has counted.
#
#   table.py PREFIX NODE...        reads PREFIX.facts, .merge, .verify, .gaps; exits 1 when something does not hold
import json
import sys


def load(path):
    with open(path) as f:
        return json.load(f)


def main():
    prefix, nodes = sys.argv[1], sys.argv[2:]
    with open(prefix + ".facts") as f:
        facts = dict(line.split() for line in f)
    merge, verify, gaps = load(prefix + ".merge"), load(prefix + ".verify"), load(prefix + ".gaps")
    sent, percent = int(facts["sent"]), int(facts["percent"])
    heard = {n["node"]: n["datagrams"] for n in merge["nodes"]}
    archive = merge["datagrams_out"]
    wrong = []

    print()
    print(f"{facts['name']} run: {sent} datagrams sent, each link loses {percent} % of them")
    print()
    print("            heard  missing   lost on the link  went by while down")
    for node in nodes:
        lost, down = int(facts["lost-" + node]), int(facts.get("down-" + node, 0))
        got = heard.get(node, 0)
        print(f"  node {node} {got:9d} {sent - got:8d} {lost:18d} {down if down else '-':>19}")
        # A node that was never down has heard what its link let through, no more and no less.
        if not down and got != sent - lost:
            wrong.append(f"node {node} heard {got} datagrams, its link let through {sent - lost}")
        # One that was killed lacks, besides, what it had heard but not yet written: a burst at most.
        if down and not sent - lost - down - 300 <= got <= sent - lost:
            wrong.append(f"node {node} heard {got} datagrams, its link let through {sent - lost}")
    print(f"  archive {archive:8d} {sent - archive:8d}  by all of them")
    print()

    missing = {}
    for stream in gaps["streams"]:
        missing[stream["unit"]] = missing.get(stream["unit"], 0) + stream["missing"]
    print("  The ledger, which knows only what nodes have heard, names as missing by all: "
          + (" and ".join(f"{n} {unit}" for unit, n in sorted(missing.items()) if n) or "nothing"))
    for stream in gaps["streams"]:
        if stream["ranges"]:
            # v9 numbers datagrams, v5 the flows in them
            named = [str(a) if a == b else f"{a}-{b}" for a, b in stream["ranges"]]
            more = f" and {len(named) - 5} more" if len(named) > 5 else ""
            print(f"    exporter {stream['exporter']} port {stream['exporterPort']}, NetFlow v{stream['version']}:"
                  f" {stream['unit']} {', '.join(named[:5])}{more}")
    if percent:
        text = " x ".join([f"{percent} %"] * len(nodes))
        share = (percent / 100) ** len(nodes)
        down = sum(int(v) for k, v in facts.items() if k.startswith("down-"))
        expected = share * (sent - down) + share / (percent / 100) * down
        print(f"  Probability: {text} = {share * 100:.4g} % are missed by all"
              + (f", {share / percent * 1e4:.4g} % while a node is down" if down else "")
              + f"; of {sent} datagrams {expected:.1f} are to be expected, {sent - archive} it was.")
    print(f"  Verify: {verify['records']} records in {verify['segments']} segments, {verify['damaged']} damaged,"
          f" {verify['torn']} torn")

    if verify["damaged"]:
        wrong.append("verify found damage")
    if archive > sent or archive < max(heard.values(), default=0):
        wrong.append(f"the archive holds {archive} datagrams")
    if sent == archive and gaps["residual_missing"]:
        wrong.append("the ledger names gaps where there are none")
    for what in wrong:
        print(f"  WRONG: {what}")
    return 1 if wrong else 0


sys.exit(main())
