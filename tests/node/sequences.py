#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Exporters of all protocols and disciplines, whose datagrams are lost, swapped, copied and come late, and which restart
and wrap; and the truth about that.

    sequences.py ADDRESS PORT [A-SECOND]

Sends, and prints a line of JSON for each stream, as it must stand in /gaps.
"""
import json
import socket
import struct
import sys
import time

START = 1700000000
RECORD = {5: 48, 7: 52, 8: 28}  # version 8: by AS
sent_all, begun = 0, time.monotonic()


class Stream:
    def __init__(self, kind, discipline, port, first=1000):
        self.kind, self.discipline, self.port = kind, discipline, port
        self.position, self.wrap = first, first
        self.clock, self.boot = START, START - 3600
        self.started = time.time() - 3600
        self.count, self.sample = 0, 0
        self.heard, self.lives = [], []
        self.truth = dict(datagrams=0, gaps=0, late=0, duplicates=0, reordered=0, resets=0, strays=0, open=0)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.connect((TO, PORT))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)

    def make(self, off=0):
        """The next datagram, and the positions that it stands for."""
        self.clock += 1
        self.count += 1
        units = 1 + self.count * 7 % 11
        kind, template = self.kind, self.count % 100 == 1
        step = {"datagrams": 1, "none": 0}.get(self.discipline, units)
        if self.discipline.endswith("+templates") or (kind == 9 and self.discipline in ("before", "after")):
            step += template  # the header of v9 counts them, too
        first = self.position
        number = first + off + (step if self.discipline.startswith("after") else 0)
        if not off:
            self.position += step
        sequence = 0 if self.discipline == "none" else number % 2**32
        uptime = (self.clock - self.boot) * 1000
        if self.kind == 105:  # it tells no time of its own: what is compared with its uptime is the node's
            uptime = int((time.time() - self.started) * 1000)
        if kind in RECORD:
            head = struct.pack("!HHIIIII", kind, units, uptime, self.clock, 0, sequence, 0)
            if kind == 8:  # its engine and its aggregation in the place of a word that is reserved
                head = head[:20] + struct.pack("!BBBBI", 0, 7, 1, 2, 0)
            payload = head + bytes(RECORD[kind] * units)
        elif kind in (9, 10):
            sets = struct.pack("!HHHHHH", 0 if kind == 9 else 2, 12, 300, 1, 1, 4) if template else b""
            sets += struct.pack("!HH", 300, 4 + 4 * units) + bytes(4 * units)
            if kind == 9:
                payload = struct.pack("!HHIIII", 9, units + template, uptime, self.clock, sequence, 7) + sets
            else:
                payload = struct.pack("!HHIII", 10, 16 + len(sets), self.clock, sequence, 7) + sets
        else:
            payload = struct.pack("!IIIIIII", 5, 1, 0xc0000201, 7, sequence, uptime, units)
            for _ in range(units):
                self.sample += 1
                payload += struct.pack("!IIIIIIIIII", 1, 32, self.sample, 3, 100, 100 * self.sample, 0, 3, 4, 0)
        return payload, (first, first + step)

    def put(self, payload, covers):
        global sent_all
        sent_all += 1
        if sent_all % 50 == 0:
            time.sleep(max(0, begun + sent_all / RATE - time.monotonic()))
        while True:
            try:
                self.socket.send(payload)
                break
            except BlockingIOError:
                pass
        self.truth["datagrams"] += 1
        self.heard.append(covers)

    def send(self, count=1):
        for _ in range(count):
            self.put(*self.make())

    def lose(self, count):
        for _ in range(count):
            self.make()
        self.truth["gaps"] += self.discipline != "none"

    def swap(self):
        first = self.make()
        self.send()
        self.put(*first)
        self.truth["reordered"] += 1

    def copy(self):
        first = self.make()
        self.put(*first)
        self.put(*first)
        self.send(3)
        self.put(*first)
        self.truth["duplicates"] += 2

    def late(self):
        held = self.make()
        self.send(1010)
        self.put(*held)
        self.truth["gaps"] += 1
        self.truth["late"] += 1

    def stray(self):
        self.put(self.make(off=10**9)[0], (0, 0))
        self.truth["strays"] += 1
        self.send(10)

    def restart(self):
        self.clock += 60
        self.boot = self.clock - 5
        self.started = time.time() - 5
        self.lives.append(self.heard)
        self.heard = []
        self.position = 0
        self.truth["resets"] += 1

    def end(self):
        self.send(1010)  # whatever is open is declared
        missing = 0
        for life in self.lives + [self.heard]:
            at = None
            for first, end in sorted(c for c in life if c[0] < c[1]):
                missing += max(0, first - at) if at is not None else 0
                at = max(end, at or end)
        self.truth.update(port=self.port, missing=missing, discipline=self.discipline)
        print(json.dumps(self.truth, sort_keys=True))


TO, PORT, RATE = sys.argv[1], int(sys.argv[2]), float(sys.argv[3] if len(sys.argv) > 3 else 20000)
KINDS = [(kind, discipline) for kind in (5, 7, 8, 9, 10) for discipline in ("before", "after", "datagrams")]
KINDS += [(10, "before+templates"), (10, "after+templates"), (105, "datagrams")]
for i, (kind, discipline) in enumerate(KINDS):
    s = Stream(kind, discipline, 41000 + i)
    s.send(100)
    s.lose(3)
    s.send(20)
    s.swap()
    s.copy()
    s.lose(1)
    s.stray()
    s.late()
    s.restart()
    s.send(50)
    s.lose(2)
    s.end()
    s = Stream(kind, discipline, 41100 + i, 2**32 - (30 if discipline == "datagrams" else 300))
    s.send(20)
    s.lose(5)
    s.send(300)
    s.end()
for i, kind in enumerate((5, 7, 8, 9, 10, 105)):
    s = Stream(kind, "none", 41200 + i)
    s.send(300)
    s.lose(5)
    s.end()
s = Stream(5, "before", 41300)  # nothing is wrong with it
s.send(100)
s.end()
