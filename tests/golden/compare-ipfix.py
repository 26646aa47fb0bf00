#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Compares flows as flowbraid cat -F json prints them with what became of them in an IPFIX file of flowbraid export:
#
#	compare-ipfix.py CAPTURE-NAME FLOWS.json DUMP [AGAIN.json]
#
# DUMP is what ipfixDump -d --rfc5610 --hexdump=65535 says of the file, AGAIN.json what flowbraid cat says of it. Every record in
# order, options too, and every field in both directions; a table below names what is known to differ, and why. Prints the
# differences and the numbers of records and values; exits 1 when something differs.

import datetime
import ipaddress
import json
import os
import re
import sys

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/flow")

# (capture, element): why ipfixDump's value is not looked at. Ours, read again, is.
EXPLAINED = {
    ("*", "flowStartMicroseconds"): "fractions of these are always 0 in ipfixDump 2.4.1",
    ("*", "flowEndMicroseconds"): "likewise",
    ("*", "samplerId"): "one octet by its type; libfixbuf does not turn the order of bytes of longer ones",
    ("*", "forwardingStatus"): "likewise",
    ("*", "httpResForwFB"): "second 0 of NTP, 2036 for us (RFC 4330 section 3), is 1900 for ipfixDump",
    ("*", "httpResForwLB"): "likewise",
    ("v9_h3c.pcap", "ipv4RouterSc"): "an address of two octets",
}

SCOPES = {"scopeSystem": "exportingProcessId", "scopeInterface": "ingressInterface", "scopeLineCard": "lineCardId",
          "scopeCache": "meteringProcessId", "scopeTemplate": "templateId"}
# What cat tells besides elements.
OWN = {"exporter", "exporterPort", "version", "domain", "sequence", "index", "exportTime", "received", "witnesses",
       "flowStart", "flowEnd", "options", "lateTemplate", "agent"}
# What export adds, and where it takes it from.
ADDED = {"exporterIPv4Address": "exporter", "exporterIPv6Address": "exporter", "exporterTransportPort": "exporterPort",
         "exportProtocolVersion": "version", "originalObservationDomainId": "domain",
         "originalExporterIPv4Address": "agent", "originalExporterIPv6Address": "agent",
         "collectionTimeMilliseconds": "received", "flowStartMilliseconds": "flowStart",
         "flowEndMilliseconds": "flowEnd"}

names, types = {}, {}
for table in ("elements.tsv", "elements-own.tsv"):
    for line in open(os.path.join(SOURCES, table)):
        if not line.startswith("#"):
            pen, number, name, kind = line.split("\t")[:4]
            if name != "-":
                names.setdefault((int(pen), int(number)), name)
                types.setdefault(name, kind)


def name_of(pen, number):
    return names.get((pen, number), f"{pen}/{number}")


def name_of_key(key):
    """The name that a key of ours has in the file: v9's own numbers are Cisco's."""
    key = SCOPES.get(key, key)
    match = re.fullmatch(r"0/(\d+)", key)
    if match and int(match[1]) >= 32768:
        return name_of(9, int(match[1]) - 32768)
    return key


def read_dump(path):
    """Records: lists of (name, text, whether ipfixDump did not know the element and shows octets)."""
    records = []
    for line in re.split(r"\n(?=\t\(|---|\*\*\*|header|fields|$)", open(path, encoding="utf-8", errors="replace").read()):
        if line.startswith("--- data record"):
            records.append([])
        match = re.match(r"\t\((?:(\d+)/)?(\d+)\)\s*(?:\(S\)\s*)?(\S+) : (.*)", line, re.S)
        if match:
            name = name_of(int(match[1] or 0), int(match[2]))
            records[-1].append((name, match[4], match[3] == "_alienInformationElement"))
    # Types of elements are told without an exporter.
    return [record for record in records if any(name == "exporterTransportPort" for name, _, _ in record)]


def instant(text, digits):
    moment, _, fraction = text.rstrip("Z").replace("T", " ").partition(".")
    parsed = datetime.datetime.strptime(moment, "%Y-%m-%d %H:%M:%S")
    return int(parsed.replace(tzinfo=datetime.timezone.utc).timestamp()), (fraction + "0" * 9)[:digits]


def theirs(name, text):
    """ipfixDump's text in one form for both."""
    kind = types.get(name, "octetArray")
    text = re.sub(r"^\(len: \d+\) ?", "", text)
    if kind.startswith(("unsigned", "signed")):
        return int(text)
    if kind.startswith("float"):
        return float(text)
    if kind in ("ipv4Address", "ipv6Address"):
        return ipaddress.ip_address(re.sub(r"\b0+(?=\d)", "", text) if "." in text else text)
    if kind.startswith("dateTime"):
        return instant(text, 3)
    if kind == "boolean":
        return {"1": True, "2": False}.get(text, text)
    return text.split("\0")[0] if kind == "string" else text


def ours(name, value):
    kind = types.get(name, "octetArray")
    if kind in ("ipv4Address", "ipv6Address"):
        return ipaddress.ip_address(value)
    if kind.startswith("dateTime"):
        return instant(value, 3)
    if kind.startswith("float"):
        return float(f"{value:.8g}")
    return value


def octets(name, value):
    """What may stand in the file for a value of ours: numbers have several lengths."""
    kind = types.get(name, "octetArray")
    if kind in ("ipv4Address", "ipv6Address"):
        return [ipaddress.ip_address(value).packed]
    if kind.startswith("unsigned"):
        return [value.to_bytes(n, "big") for n in (1, 2, 4, 8) if value < 1 << 8 * n]
    return [value.encode() if kind == "string" else bytes.fromhex(value)]


def same(name, value, text, alien):
    if alien or types.get(name, "octetArray") == "octetArray":
        if text.startswith("("):
            got = bytes.fromhex(re.sub(r"^\(len: \d+\)( 0x)?", "", text))
            return got in octets(name, value)
        # short ones of a fixed length, as a number that begins with its last octet
        return int(text) in [int.from_bytes(o, "little") for o in octets(name, value)]
    return ours(name, value) == theirs(name, text)


def expected(flow):
    """Each element's values, those that stand twice in their order."""
    fields = {}
    for key, value in flow.items():
        if key not in OWN and key != "0/0":  # which is no element in IPFIX, and left out
            values = value if isinstance(value, list) else [value]
            fields.setdefault(name_of_key(key), []).extend(v for v in values if v is not None)
    return fields


def compare_record(capture, flow, record, say):
    fields = expected(flow)
    compared = 0
    for name, text, alien in record:
        if fields.get(name):
            value = fields[name].pop(0)
        elif ADDED.get(name) in flow:
            value = flow[ADDED[name]]
        else:
            say(f"{name} : {text}: not in the flow")
            continue
        if name == "templateId" or (capture, name) in EXPLAINED or ("*", name) in EXPLAINED:
            continue
        compared += 1
        if not same(name, value, text, alien):
            say(f"{name}: {value!r} became {text!r}")
    for name, values in fields.items():
        if values:
            say(f"{name}: {values!r} is missing")
    if record and not {"exporterTransportPort", "collectionTimeMilliseconds"} <= {name for name, _, _ in record}:
        say("no exporter, or no time of reception")
    return compared


def compare_again(flow, again, say):
    want, got = expected(flow), expected(again)
    for name, values in want.items():
        found = got.get(name, [])
        if name != "templateId" and found[:len(values)] != values:
            say(f"{name}: {values!r} is read as {found!r}")
    for key in ("flowStart", "flowEnd", "options"):
        if flow.get(key) != again.get(key):
            say(f"{key}: {flow.get(key)!r} is read as {again.get(key)!r}")
    if flow.get("exportTime", "")[:19] not in ("", again["exportTime"][:19]):
        say(f"exportTime: {flow['exportTime']} is read as {again['exportTime']}")


def main():
    capture, flows_path, dump_path = sys.argv[1:4]
    flows = [json.loads(line) for line in open(flows_path)]
    records = read_dump(dump_path)
    said = []
    if len(flows) != len(records):
        said.append(f"{len(flows)} records became {len(records)}")
    values = 0
    for number, (flow, record) in enumerate(zip(flows, records)):
        values += compare_record(capture, flow, record, lambda text: said.append(f"record {number}: {text}"))
    if len(sys.argv) > 4:
        again = [flow for flow in map(json.loads, open(sys.argv[4])) if "exporterTransportPort" in flow]
        if len(flows) != len(again):
            said.append(f"{len(flows)} records are read as {len(again)}")
        for number, (flow, read) in enumerate(zip(flows, again)):
            compare_again(flow, read, lambda text: said.append(f"record {number}, read again: {text}"))
    print("\n".join(said[:40]))
    print(f"{len(flows)} records, {values} values, {len(said)} differences")
    sys.exit(1 if said else 0)


main()
