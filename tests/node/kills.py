# SPDX-License-Identifier: ISC
"""What 45-kills.t knows, against what stands in the log and what the ledger says of it.

    kills.py RECORDS LEDGER TRUTH

RECORDS is what tests/node/records prints of the log, LEDGER what `flowbraid gaps --json` does. TRUTH has lines

    stream PORT VERSION FLOWS A-SECOND [SENT]    an exporter (blast); SENT once it has ended
    life INCARNATION WHAT                        a life whose end is known: killed, downed (with its parent), sealed (its parent
                                                 alone was killed) or stopped

Exporters are numbered from 0 on and heard by one node, so what was sent and is not recorded is known without any ledger. It
must be between two lives, and nowhere else. Prints what is wrong, a line each, or `holes`, how many there are, and the
datagrams in them and in the largest that a killed collector alone has left; exit status 1 when something is wrong.
"""
import json
import sys

# A killed collector loses what was received within `flush`, which is 0.1 s, and not written: the rest waits in the sockets. The
# disk of a busy machine is slower.
SECONDS_LOST_MOST = 2

wrong = []


class Life:
    def __init__(self, incarnation):
        self.incarnation = incarnation
        self.next = 1
        self.events = []
        self.last_type = ""
        self.ends = {}  # port: [first, last] number


class Stream:
    def __init__(self, port, version, flows, rate, sent=None):
        self.port, self.version, self.flows, self.rate = int(port), int(version), int(flows), float(rate)
        self.sent = None if sent is None else int(sent)
        self.unit = self.flows if self.version == 5 else 1
        self.place = slice(32, 40) if self.version == 5 else slice(24, 32)
        self.first = self.last = None
        self.count = 0
        self.holes = []  # (from, to, life before, life behind), both ends missing

    def heard(self, number, life):
        if self.last is None:
            self.first = number
        elif number <= self.last:
            wrong.append(f"port {self.port}: {number} stands behind {self.last}")
            return
        elif number != self.last + 1:
            before = self.last_life
            self.holes.append((self.last + 1, number - 1, before, life))
            if before is life:
                wrong.append(f"port {self.port}: {self.last + 1} to {number - 1} are missing within life {life.incarnation}")
        self.last, self.last_life = number, life
        self.count += 1


def read_truth(path):
    streams, lives = {}, {}
    for line in open(path):
        what, *rest = line.split()
        if what == "stream":
            s = Stream(*rest)
            streams[s.port] = s
        else:
            lives[rest[0]] = rest[1]
    return streams, lives


def read_records(path, streams):
    lives, life = [], None
    for line in open(path):
        f = line.split(" ")
        kind = f[1].strip()
        if kind == "header":
            if life is None or life.incarnation != f[3]:
                life = Life(f[3])
                lives.append(life)
            continue
        if kind == "finding":
            wrong.append("finding: " + line.strip())
        if kind in ("finding", "torn"):
            continue
        life.last_type = kind
        if int(f[2]) != life.next:
            wrong.append(f"life {life.incarnation}: record {f[2]} where {life.next} should stand")
        life.next = int(f[2]) + 1
        if kind == "event":
            life.events.append(f[4].strip())
            if f[4] in ("kernel-drop", "log-drop"):
                wrong.append("lost: " + line.strip())
        elif kind == "datagram":
            s = streams[int(f[5])]
            s.heard(int(f[9][s.place], 16) // s.unit, life)
    return lives


def compare_lives(lives, known):
    if len({life.incarnation for life in lives}) != len(lives):
        wrong.append("a life goes on behind another one")
    for life in lives:
        if life.events[:1] != ["start"]:
            wrong.append(f"life {life.incarnation} begins with {life.events[:1]}")
        end = known.get(life.incarnation)
        if end is None:
            continue
        in_order = end not in ("killed", "downed")
        if ("stop" in life.events) != in_order:
            wrong.append(f"life {life.incarnation} was {end}: its events are {life.events}")
        if life.last_type != "seal":
            wrong.append(f"life {life.incarnation} was {end}, and is not sealed")
    for incarnation in known.keys() - {life.incarnation for life in lives}:
        wrong.append(f"life {incarnation} is not in the log any more")


def compare_ledger(path, streams):
    ledger = json.load(open(path))
    told = {}
    for t in ledger["streams"]:
        if t["exporterPort"] in told:
            wrong.append(f"port {t['exporterPort']}: more than one epoch")
        told[t["exporterPort"]] = t
    total = 0
    for s in streams.values():
        if s.first is None:
            continue
        ranges = [[a * s.unit, (b + 1) * s.unit - 1] for a, b, _, _ in s.holes]
        missing = sum(b - a + 1 for a, b in ranges)
        total += missing
        truth = {"datagrams": s.count, "heard": s.count * s.unit, "missing": missing, "ranges": ranges,
                 "nodes": [{"node": "n", "heard": s.count * s.unit, "missing": missing}]}
        for key, value in truth.items():
            found = told.get(s.port, {}).get(key)
            if key == "nodes" and found:
                found = [{k: v for k, v in n.items() if k != "causes"} for n in found]
            if found != value:
                wrong.append(f"port {s.port}: the ledger has {key} {found}, and the truth is {value}")
    if ledger["residual_missing"] != total:
        wrong.append(f"the ledger misses {ledger['residual_missing']}, and the truth is {total}")


def compare_sent(streams):
    for s in streams.values():
        lost = sum(b - a + 1 for a, b, _, _ in s.holes)
        if s.sent is not None and (s.first, s.last, s.count + lost) != (0, s.sent - 1, s.sent):
            wrong.append(f"port {s.port}: {s.sent} were sent; from {s.first} to {s.last}, {s.count} are recorded, {lost} missing")


def main():
    streams, known = read_truth(sys.argv[3])
    lives = read_records(sys.argv[1], streams)
    compare_lives(lives, known)
    compare_ledger(sys.argv[2], streams)
    compare_sent(streams)
    holes = lost = most = 0
    for s in streams.values():
        for a, b, before, _ in s.holes:
            holes += 1
            lost += b - a + 1
            if known.get(before.incarnation) == "killed":
                most = max(most, b - a + 1)
                if b - a + 1 > SECONDS_LOST_MOST * s.rate:
                    wrong.append(f"port {s.port}: a killed collector has lost {b - a + 1} datagrams, {a} to {b}")
    for text in wrong[:20]:
        print(text)
    if not wrong:
        print(f"holes {holes} {lost} {most}")
    return 1 if wrong else 0


sys.exit(main())
