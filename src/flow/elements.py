#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Makes elements.tsv, the table of information elements that is built into the flow layer:
#
#	elements.py REGISTRY.xml... OWN.tsv... >elements.tsv
#
# from registry files in libfds' XML form (its own one, or IANA's) and from rows in our form. A row: enterprise
# number, id, name, abstract type (RFC 7011 section 6.1), semantics, units; "-" where there is none. Of two
# rows for one element the later wins. A name can be a JSON key only once: of two elements with one name the
# one with the higher enterprise number loses it, and is shown by its numbers, unless a row of ours names it. The
# elements of a registry with bidirectional flows by enterprise number (RFC 5103) are repeated under that number as
# reverse ones, those of one that splits its numbers by a bit (CERT's) with that bit.
#
# It is run by hand when a registry changes, and its output is committed: building needs no python.

import sys
import xml.etree.ElementTree as ElementTree

TYPES = """octetArray unsigned8 unsigned16 unsigned32 unsigned64 signed8 signed16 signed32 signed64 float32
float64 boolean macAddress string dateTimeSeconds dateTimeMilliseconds dateTimeMicroseconds
dateTimeNanoseconds ipv4Address ipv6Address basicList subTemplateList subTemplateMultiList unsigned256""".split()
TYPE_NAMED = {name.lower(): name for name in TYPES}

# IANA's elements that have no reverse (RFC 5103 section 6.1): identifiers, the exporter's own addresses and
# counters, padding, and the direction of the biflow itself.
NO_REVERSE = {0: {10, 14, 130, 131, 137, 138, 141, 142, 143, 144, 145, 148, 149, 210, 239}}
NO_REVERSE[0] |= {40, 41, 42, 163, 164, 165, 166, 167, 168, 173, 211, 212, 213, 214, 215, 216, 217}

BIFLOWS = {}  # enterprise number: mode, number


def text(node, tag):
    return (node.findtext(tag) or "").strip()


def read_xml(path, rows):
    root = ElementTree.parse(path).getroot()
    scope = root.find("scope")
    pen = int(text(scope, "pen"))
    biflow = scope.find("biflow")
    if biflow is not None and biflow.get("mode") in ("pen", "split"):
        BIFLOWS[pen] = biflow.get("mode"), int(biflow.text)
    for node in root.findall("element"):
        ident, name = int(text(node, "id")), text(node, "name")
        kind = TYPE_NAMED[text(node, "dataType").lower()]
        rest = [kind, text(node, "dataSemantics") or "-", text(node, "units") or "-"]
        rows[pen, ident] = [name] + rest


def read_tsv(path, rows):
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                pen, ident, *rest = line.rstrip("\n").split("\t")
                if rest[1] not in TYPES or len(rest) != 4:
                    sys.exit(f"elements.py: {path}: {line!r}")
                rows[int(pen), int(ident)] = rest


def reverse(rows):
    for (pen, ident), (name, *rest) in list(rows.items()):
        mode, number = BIFLOWS.get(pen, (None, 0))
        bit = 1 << number - 1 if mode == "split" else 0
        place = (number, ident) if mode == "pen" else (pen, ident | bit)
        if mode is None or ident in NO_REVERSE.get(pen, set()) or ident & bit != 0:
            continue
        if "everse" not in name:  # CERT's obsolete ones have no reverse again
            rows.setdefault(place, ["reverse" + name[0].upper() + name[1:]] + rest)


def main():
    rows, taken = {}, set()
    for path in sys.argv[1:]:
        (read_xml if path.endswith(".xml") else read_tsv)(path, rows)
    reverse(rows)
    print("# Made by elements.py. Enterprise number, id, name, type, semantics, units.")
    for (pen, ident), row in sorted(rows.items()):
        if row[0] in taken:
            print(f"elements.py: {pen}/{ident}: {row[0]} is taken", file=sys.stderr)
            row[0] = "-"
        taken.add(row[0])
        print(pen, ident, *row, sep="\t")


main()
