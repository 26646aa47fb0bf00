#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Reads Prometheus' text format, version 0.0.4, strictly, and prints the names of the metrics with their types.
Exits 1 with a reason at the first line that is not as it must be."""
import re
import sys

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,(?=[a-zA-Z_]))?)*)\})? '
                    r'(-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')


def read(text):
    helped, typed, series, last, closed = set(), {}, set(), None, set()
    for number, line in enumerate(text[:-1].split("\n"), 1):
        def need(what, why):
            if not what:
                sys.exit(f"line {number}: {why}: {line}")

        if line.startswith("# HELP "):
            name, space, rest = line[7:].partition(" ")
            need(space and rest, "HELP without a text")
            need(name not in helped, "a second HELP")
            need(not re.search(r"\\(?![\\n])", rest), "an escape that is none")
            helped.add(name)
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            need(kind in ("counter", "gauge"), "unknown TYPE")
            need(name in helped and name not in typed, "TYPE without HELP, or a second one")
            need((kind == "counter") == name.endswith("_total"), "counters end in _total, and nothing else does")
            typed[name] = kind
        else:
            m = SAMPLE.fullmatch(line)
            need(m, "no sample")
            name, labels, value = m.groups()
            need(name in typed, "a sample before HELP and TYPE")
            names = [n for n, _ in LABEL.findall(labels or "")]
            need(len(names) == len(set(names)), "a label twice")
            key = (name, tuple(sorted(LABEL.findall(labels or ""))))
            need(key not in series, "a series twice")
            need(name == last or name not in closed, "samples of a metric stand apart")
            need(typed[name] != "counter" or float(value) >= 0, "a counter below 0")
            series.add(key)
            closed.add(name)
            last = name
    return typed


data = sys.stdin.buffer.read()
if not data.endswith(b"\n") or b"\r" in data:
    sys.exit("the last line does not end")
for metric, kind in sorted(read(data.decode("utf-8")).items()):
    print(metric, kind)
