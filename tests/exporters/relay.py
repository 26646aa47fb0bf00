#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Between an exporter and a node: drops, doubles and swaps the datagrams that a list names, and knows what each held.

    relay.py LISTEN-PORT FROM-PORT TO-PORT [dN | cN | sN]...

What comes to LISTEN-PORT of 127.0.0.1 goes on to TO-PORT, always from FROM-PORT, so that an exporter that is restarted stays
the same to the node. The Nth of the datagrams that bear flows is dropped (d), copied (c), or sent behind the next one (s).
SIGTERM: what waits is still relayed, then a line of JSON tells how many there were and what was dropped. Copies are not only
our own: an exporter may repeat a message of templates to the byte, within a second.

Records are counted with a decoder of its own, which reads NetFlow v5, v7, v9 and IPFIX without variable lengths.
"""
import json
import select
import signal
import socket
import struct
import sys


class Decoder:
    def __init__(self):
        self.lengths = {}  # of records: by domain and template
        self.options = set()

    def template(self, kind, domain, body, options):
        at = 0
        while at + 4 <= len(body):
            number, fields = struct.unpack_from("!HH", body, at)
            if number < 256:  # padding
                break
            at += 4
            if options and kind == 9:  # two lengths in octets, not a number of fields
                fields = (fields + struct.unpack_from("!H", body, at)[0]) // 4
                at += 2
            elif options:
                at += 2
            length = 0
            for _ in range(fields):
                element, size = struct.unpack_from("!HH", body, at)
                assert size != 65535, "a field of variable length"
                length += size
                at += 8 if kind == 10 and element & 0x8000 else 4
            self.lengths[domain, number] = length
            if options:
                self.options.add((domain, number))

    def records(self, payload):
        """Flows, and options."""
        kind, count = struct.unpack_from("!HH", payload)
        if kind in (5, 7):
            return count, 0
        at = 20 if kind == 9 else 16
        domain = payload[at - 4:at]
        flows = options = 0
        while at + 4 <= len(payload):
            number, length = struct.unpack_from("!HH", payload, at)
            body = payload[at + 4:at + length]
            if number in (0, 2):
                self.template(kind, domain, body, False)
            elif number in (1, 3):
                self.template(kind, domain, body, True)
            elif (domain, number) in self.options:
                options += len(body) // self.lengths[domain, number]
            else:
                flows += len(body) // self.lengths[domain, number]
            at += length
        return flows, options


class Relay:
    def __init__(self, source, to, plan):
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.out.bind(("127.0.0.1", source))
        self.out.connect(("127.0.0.1", to))
        self.plan, self.decoder, self.held, self.number, self.seen = plan, Decoder(), None, 0, set()
        self.truth = dict(relayed=0, lost=0, lost_flows=0, lost_options=0, with_options=0, copies=0, doubled=0, swapped=0)

    def put(self, payload):
        self.out.send(payload)
        self.truth["copies"] += payload in self.seen
        self.seen.add(payload)
        self.truth["relayed"] += 1

    def take(self, payload):
        flows, options = self.decoder.records(payload)
        self.truth["with_options"] += options > 0
        if not flows:  # has no place among those that the list names
            self.put(payload)
            return
        self.number += 1
        what = self.plan.get(self.number)
        if what == "d":
            self.truth["lost"] += 1
            self.truth["lost_flows"] += flows
            self.truth["lost_options"] += options
        elif what == "s":
            self.held = payload
            return
        else:
            self.put(payload)
            if what == "c":
                self.put(payload)
                self.truth["doubled"] += 1
        if self.held is not None:
            self.put(self.held)
            self.held = None
            self.truth["swapped"] += 1


def main():
    listen, source, to = map(int, sys.argv[1:4])
    plan = {int(word[1:]): word[0] for word in sys.argv[4:]}
    relay = Relay(source, to, plan)
    ended, end = socket.socketpair()
    signal.signal(signal.SIGTERM, lambda *_: end.send(b"."))
    come = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    come.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    come.bind(("127.0.0.1", listen))
    come.setblocking(False)
    while True:
        ready, _, _ = select.select([come, ended], [], [])
        try:
            while True:
                relay.take(come.recv(65535))
        except BlockingIOError:
            pass
        if ended in ready:
            break
    print(json.dumps(relay.truth), flush=True)


main()
