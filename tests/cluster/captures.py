#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# The truth of a run in the lab, from captures: what was sent, what reached each node's host, and what nobody
# heard. It shares no code with flowbraid.
#
#   captures.py EXPORTER.pcap NODE=NODE.pcap[+LOG-FOLDER]...
#
# With a log folder, of a node that was down for a while, only those captured datagrams count that the log holds:
# first it is checked, in a way that says why, that the log holds nothing that was not captured, and nothing less
# than what came outside of OUTAGE, "FROM-TO" in seconds since 1970 in the environment.
#
# Prints one JSON document: sent, distinct (datagrams that at least one node heard), flows in these, heard by node, and
# streams with the keys of `flowbraid gaps --json`. Supports NetFlow v5 and v9.
import json
import os
import struct
import sys

import segments


def read_capture(path):
    """Yields (time, exporter, port, payload) of each UDP datagram in a capture from an Ethernet interface."""
    with open(path, "rb") as f:
        data = f.read()
    endian, fraction = {b"\xd4\xc3\xb2\xa1": ("<", 1e6), b"\xa1\xb2\xc3\xd4": (">", 1e6),
                        b"\x4d\x3c\xb2\xa1": ("<", 1e9), b"\xa1\xb2\x3c\x4d": (">", 1e9)}[data[:4]]
    if struct.unpack(endian + "I", data[20:24])[0] & 0xFFFF != 1:
        sys.exit(path + ": not from an Ethernet interface")
    at = 24
    while at + 16 <= len(data):
        seconds, parts, stored, length = struct.unpack(endian + "IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + stored]
        at += 16 + stored
        if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        if stored != length or struct.unpack(">H", frame[20:22])[0] & 0x3FFF:
            sys.exit(path + ": a frame is cut, or a datagram is in fragments")
        udp = 14 + (frame[14] & 15) * 4
        port, _, size = struct.unpack(">HHH", frame[udp:udp + 6])
        yield seconds + parts / fraction, ".".join(map(str, frame[26:30])), port, frame[udp + 8:udp + size]


def units(payload):
    """(version, domain), unit, and the range of units that a datagram is."""
    version, count = struct.unpack(">HH", payload[:4])
    if version == 5:
        sequence, kind, identity = struct.unpack(">IBB", payload[16:22])
        return (5, kind << 8 | identity), "flows", sequence, sequence + count - 1
    if version == 9:
        sequence, domain = struct.unpack(">II", payload[12:20])
        return (9, domain), "datagrams", sequence, sequence
    sys.exit(f"version {version} in a capture")


def v9_sets(payload):
    at = 20
    while at + 4 <= len(payload):
        kind, size = struct.unpack(">HH", payload[at:at + 4])
        yield kind, payload[at + 4:at + size]
        at += size


def count_flows(datagrams):
    """Flow records in datagrams of NetFlow v5 and v9, whatever the order of templates and data."""
    sizes, flows = {}, 0
    nines = [(d[:2], d[2]) for d in datagrams if d[2][:2] == b"\0\x09"]
    for exporter, payload in nines:
        for kind, body in v9_sets(payload):
            while kind == 0 and len(body) >= 4:
                template, count = struct.unpack(">HH", body[:4])
                fields = struct.unpack(f">{count * 2}H", body[4:4 + count * 4])
                sizes[exporter, template] = sum(fields[1::2])
                body = body[4 + count * 4:]
    for exporter, payload in nines:
        for kind, body in v9_sets(payload):
            if (exporter, kind) in sizes:
                flows += len(body) // sizes[exporter, kind]
    return flows + sum(struct.unpack(">H", d[2][2:4])[0] for d in datagrams if d[2][:2] == b"\0\x05")


def ranges_of(numbers):
    result = []
    for n in sorted(numbers):
        if result and result[-1][1] == n - 1:
            result[-1][1] = n
        else:
            result.append([n, n])
    return result


def in_log(name, captured, folder):
    """Those captured datagrams that the log holds."""
    begin, end = map(float, os.environ["OUTAGE"].split("-"))
    logged = {(r.address, r.port, r.body) for path in segments.files(folder)
              for r in segments.Segment(path).records if r.type == segments.DATAGRAM}
    strange = logged - {key for _, key in captured}
    if strange:
        sys.exit(f"node {name}: its log holds {len(strange)} datagrams that its host's capture does not")
    lost = [time for time, key in captured if not begin <= time <= end and key not in logged]
    if lost:
        sys.exit(f"node {name}: its log lacks {len(lost)} datagrams that came while it was up"
                 f" (down {begin} to {end}), the first at {lost[0]}")
    return logged


def main():
    sent = {(a, p, b) for _, a, p, b in read_capture(sys.argv[1])}
    heard = {}
    for argument in sys.argv[2:]:
        name, _, path = argument.partition("=")
        path, _, folder = path.partition("+")
        captured = [(t, (a, p, b)) for t, a, p, b in read_capture(path)]
        heard[name] = in_log(name, captured, folder) if folder else {key for _, key in captured}
    union = set().union(*heard.values())
    if not union <= sent:
        sys.exit("a node heard what was not sent")

    streams = {}
    for key in sent:
        stream, unit, first, last = units(key[2])
        numbers = range(first, last + 1)
        s = streams.setdefault((key[0], key[1]) + stream, {"unit": unit, "sent": set(), "union": set(), "nodes": {}})
        s["sent"].update(numbers)
        if key in union:
            s["union"].update(numbers)
        for name, keys in heard.items():
            s["nodes"].setdefault(name, set()).update(numbers if key in keys else ())
    report = []
    for (address, port, version, domain), s in sorted(streams.items()):
        if not s["union"]:
            continue
        low, high = min(s["union"]), max(s["union"])
        span = {n for n in s["sent"] if low <= n <= high}
        if span != set(range(low, high + 1)):
            sys.exit(f"exporter {address}:{port}: its own numbering has holes")
        report.append({
            "exporter": address, "exporterPort": port, "version": version, "domain": domain, "unit": s["unit"],
            "heard": len(s["union"]), "missing": len(span - s["union"]), "ranges": ranges_of(span - s["union"]),
            "nodes": [{"node": name, "missing": len(span - numbers)} for name, numbers in sorted(s["nodes"].items())],
        })
    json.dump({"sent": len(sent), "distinct": len(union), "flows": count_flows(union),
               "heard": {n: len(k) for n, k in sorted(heard.items())},
               "residual_missing": sum(s["missing"] for s in report), "streams": report}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
