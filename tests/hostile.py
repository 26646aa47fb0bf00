#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Datagrams that made flowd die, spin, read too far, or lose what it knew: what they are, in one place.

    hostile.py list                          NAME FAULT FLOWS of each, in the order in which they are sent
    hostile.py capture FILE [NAME]...        all (or these, in this order), one a second; to 127.0.0.1 port 2055
    hostile.py send PORT FROM-PORT [NAME]... all (or these, in this order), from one socket
    hostile.py files FOLDER                  a file of each that is short: the corpus of the fuzz target "any"
    hostile.py crowd PORT FROM-PORT templates | data
                                             129 exporters, 65 domains of one, 9 templates of one, in v9 and in IPFIX:
                                             406 datagrams with a template each, or with a flow each

FAULT is what is wrong with it as flowbraid says it, `sound` when nothing is, `unknown` when it is no export at all; FLOWS
is how many flows can be decoded. They stand between sound datagrams of the same streams, which have to be decoded as if
nothing else had come.
"""
import os
import socket
import struct
import sys

T0 = 1700000000
FLOW = struct.pack('>IIIII', 0x0a000001, 0x0a000002, 0x00500051, 3, 100)  # as TEMPLATE says
TEMPLATE = struct.pack('>HH12H', 300, 6, 8, 4, 12, 4, 7, 2, 11, 2, 2, 4, 1, 4)


def flowset(number, body, length=None):
    return struct.pack('>HH', number, len(body) + 4 if length is None else length) + body


def v9(*parts, domain=1):
    return struct.pack('>HHIIII', 9, len(parts), 100000, T0, 0, domain) + b''.join(parts)


def ipfix(*parts, domain=5):
    body = b''.join(parts)
    return struct.pack('>HHIII', 10, 16 + len(body), T0, 0, domain) + body


def v5(flows, engine_type=0, engine_id=0):
    head = struct.pack('>HHIIIIBBH', 5, flows, 1, T0, 0, 0, engine_type, engine_id, 0)
    return head + b''.join(struct.pack('>IIIHHIIIIHHBBBBHHBBH', 0x0a000001, i, 0, 1, 2, 3, 400, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0)
                           for i in range(flows))


def one_protocol(name, make, template_set):
    """What v9 and IPFIX have in common. Each datagram ends with, or lacks, one sound flow."""
    data = flowset(300, FLOW)
    t, o = template_set, template_set + 1
    no_fields = struct.pack('>HH', 301, 0)
    no_option_fields = struct.pack('>HHH', 302, 0, 0)
    no_length = struct.pack('>HHHHHH', 303, 2, 8, 0, 12, 0)
    # An IPFIX template without fields is a withdrawal of one, and an options template without fields, too.
    wrong = 'template' if name == 'v9' else 'sound'
    yield 'template', 'sound', 1, make(flowset(t, TEMPLATE), data)
    yield 'no-fields', wrong, 0, make(flowset(t, no_fields))
    yield 'no-fields-data', 'sound', 1, make(flowset(301, bytes(32)), data)
    yield 'no-fields-and-data', wrong, 1, make(flowset(t, no_fields), flowset(301, bytes(32)), data)
    # Four bytes are IPFIX's withdrawal; two more are no template.
    yield 'no-option-fields', 'template' if name == 'v9' else 'stray bytes', 0, \
        make(flowset(o, no_option_fields if name == 'v9' else no_option_fields[:4] + b'\1\1'))
    yield 'no-option-fields-data', 'sound', 1, make(flowset(302, bytes(32)), data)
    yield 'fields-of-no-length', 'template', 1, make(flowset(t, no_length), flowset(303, bytes(32)), data)
    for number in (o, 5, 200, 255, t, 300):
        yield 'set-%d-of-no-length' % number, 'set length', 1, make(data, flowset(number, bytes(8), 0), data)
    yield 'set-of-one-byte', 'set length', 1, make(data, flowset(o, b'', 1))
    yield 'set-past-the-end', 'set length', 1, make(data, flowset(300, FLOW, 2000))
    for n in (1, 2, 3):
        yield 'stray-%d' % n, 'stray bytes', 1, make(data, b'\1\2\3'[:n])
        yield 'stray-in-template-set-%d' % n, 'stray bytes', 1, make(data, flowset(t, TEMPLATE + b'\1\1\1'[:n]))
        yield 'stray-alone-in-template-set-%d' % n, 'stray bytes', 0, make(flowset(t, b'\1\1\1'[:n]))
        yield 'stray-alone-in-options-set-%d' % n, 'stray bytes', 0, make(flowset(o, b'\1\1\1'[:n]))
    for n in range(1, 8):
        # Of the last but one specifier nothing, a part or all is there.
        yield 'cut-specifier-%d' % n, 'template', 0, make(flowset(t, struct.pack('>HHHHHH', 304, 3, 8, 4, 12, 4)[:4 + n]))
    yield 'cut-options-header', 'template', 0, make(flowset(o, struct.pack('>HH', 305, 4)))
    yield 'again', 'sound', 1, make(data)


def odd():
    yield 'v5-of-one-byte', 'unknown', 0, v5(1)[1:2]
    for n in (2, 3, 4, 23):
        yield 'v5-of-%d-bytes' % n, 'header cut', 0, v5(1)[:n]
    yield 'v5-without-its-flow', 'record count', 0, v5(1)[:24]
    yield 'v5', 'sound', 1, v5(1)
    for name, make in (('v9', v9), ('ipfix', ipfix)):
        yield name + '-cut-header', 'header cut', 0, make()[:15]
    # Longer than 2,048 bytes, at the largest that UDP carries over IPv4, and a little less.
    yield 'v5-of-2088-bytes', 'sound', 43, v5(43)
    yield 'v5-of-65448-bytes', 'sound', 1363, v5(1363)
    yield 'v9-of-65504-bytes', 'sound', 3274, v9(flowset(300, FLOW * 3274))
    yield 'ipfix-of-65507-bytes', 'sound', 3274, ipfix(flowset(300, FLOW * 3274 + bytes(7)))
    yield 'ipfix-endless-field', 'sound', 0, ipfix(flowset(2, struct.pack('>HHHH', 306, 1, 82, 0xffff)), flowset(306, b'\xff\xff\xff\1'))


def template(number, *fields):
    return struct.pack('>HH', number, len(fields)) + b''.join(struct.pack('>HH', *f) for f in fields)


def whole_templates():
    """Sound ones, of which flowd refused the template, dropped the flow, or swapped bytes."""
    for name, make, templates in (('v9', v9, 0), ('ipfix', ipfix, 2)):
        def one(number, fields, record):
            return make(flowset(templates, template(number, *fields)), flowset(number, record))

        yield name + '-wide-flags', 'sound', 1, one(310, [(8, 4), (12, 4), (6, 2), (1, 4)], bytes.fromhex('0a0001010a0001020112000005dc'))
        yield name + '-odd-element', 'sound', 1, one(311, [(8, 4), (12, 4), (32000, 5), (1, 4)],
                                                     bytes.fromhex('0a0002010a0002020102030405000005dc'))
        yield name + '-destination-alone', 'sound', 1, one(312, [(12, 4), (1, 4)], bytes.fromhex('0a000302000005dc'))
        yield name + '-source-alone', 'sound', 1, one(313, [(8, 4), (1, 4)], bytes.fromhex('0a000401000005dc'))
        yield name + '-destination-alone-6', 'sound', 1, one(314, [(28, 16), (1, 4)],
                                                             bytes.fromhex('20010db8000000000000000000000002000005dc'))
    yield 'ipfix-variable-length', 'sound', 1, ipfix(
        flowset(2, template(315, (8, 4), (12, 4), (82, 0xffff), (1, 4))),
        flowset(315, bytes.fromhex('0a0005010a000502') + b'\4eth0' + bytes.fromhex('000005dc')))
    yield 'v5-engine', 'sound', 1, v5(1, 7, 200)


def everything():
    for name, make, templates in (('v9', v9, 0), ('ipfix', ipfix, 2)):
        for part, fault, flows, payload in one_protocol(name, make, templates):
            yield '%s-%s' % (name, part), fault, flows, payload
    yield from odd()
    yield from whole_templates()


def crowd(what):
    """Exporter's address, and the datagram; each flow has a destination of its own."""
    for make, templates, net in ((v9, 0, 0), (ipfix, 2, 1)):
        members = [('127.1.%d.%d' % (net, i + 1), 1, 300) for i in range(129)]
        members += [('127.2.%d.1' % net, i + 1, 300) for i in range(65)]
        members += [('127.3.%d.1' % net, 1, 300 + i) for i in range(9)]
        for i, (address, domain, number) in enumerate(members):
            part = flowset(templates, template(number, (12, 4), (1, 4))) if what == 'templates' else \
                flowset(number, struct.pack('>II', 0x0a090000 + net * 256 * 4 + i, 1500))
            yield address, make(part, domain=domain)


def packet(n, payload):
    udp = struct.pack('>HHHH', 40000, 2055, 8 + len(payload), 0) + payload
    ip = struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(udp), 0, 0, 9, 17, 0, 0xc0000201, 0x7f000001) + udp
    return struct.pack('<IIII', T0 + n, 0, len(ip), len(ip)) + ip


def main():
    verb, rest = sys.argv[1], sys.argv[2:]
    names = {'capture': 1, 'send': 2}.get(verb)
    chosen = list(everything())
    if names is not None and rest[names:]:
        by_name = {d[0]: d for d in chosen}
        chosen = [by_name[name] for name in rest[names:]]
    if verb == 'list':
        for name, fault, flows, _ in chosen:
            print(name, fault.replace(' ', '-'), flows)
    elif verb == 'capture':
        with open(rest[0], 'wb') as out:
            out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
            for n, d in enumerate(chosen):
                out.write(packet(n, d[3]))
    elif verb == 'send':
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        s.bind(('127.0.0.1', int(rest[1])))
        for d in chosen:
            s.sendto(d[3], ('127.0.0.1', int(rest[0])))
    elif verb == 'crowd':
        for address, payload in crowd(rest[2]):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind((address, int(rest[1])))
                s.sendto(payload, ('127.0.0.1', int(rest[0])))
    elif verb == 'files':
        for name, _, _, payload in chosen:
            if len(payload) < 4096:
                with open(os.path.join(rest[0], 'flowd-' + name), 'wb') as out:
                    out.write(payload)
    else:
        sys.exit(__doc__)


main()
