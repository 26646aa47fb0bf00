#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Writes stores as flowd does, versions 2 and 3, from the description of its format alone; and what `cat -F json` must say of
# each record. For tests.
#
#	flowd-store.py VERSION STORE EXPECTED      all fields, kinds of exporters, and oddities, one after the other
#	flowd-store.py small VERSION STORE         a few records with checksums
#	flowd-store.py many VERSION STORE NUMBER   so many, two a datagram
import ipaddress
import json
import struct
import sys
import zlib

NAMES = ('TAG RECV_TIME PROTO_FLAGS_TOS AGENT_ADDR4 AGENT_ADDR6 SRC_ADDR4 SRC_ADDR6 DST_ADDR4 DST_ADDR6 GATEWAY_ADDR4 '
         'GATEWAY_ADDR6 SRCDST_PORT PACKETS OCTETS IF_INDICES AGENT_INFO FLOW_TIMES AS_INFO FLOW_ENGINE_INFO').split()
BITS = {name: 1 << bit for bit, name in enumerate(NAMES)}
CRC32 = 1 << 30


def addr(text):
    return ipaddress.ip_address(text).packed


# name: how it stands in version 3, and in version 2
FORMS = {
    'TAG': ('>I', '>I'),
    'RECV_TIME': ('>II', '>I'),
    'PROTO_FLAGS_TOS': ('>BBBx', '>BBBx'),
    'SRCDST_PORT': ('>HH', '>HH'),
    'PACKETS': ('>Q', '>Q'),
    'OCTETS': ('>Q', '>Q'),
    'IF_INDICES': ('>II', '>HH'),
    'AGENT_INFO': ('>IIIHxx', '>IIIHxx'),
    'FLOW_TIMES': ('>II', '>II'),
    'AS_INFO': ('>IIBBxx', '>HHBBxx'),
    'FLOW_ENGINE_INFO': ('>HHII', '>BBxxI'),
}


def field(version, name, value):
    if 'ADDR' in name:
        return addr(value)
    form = FORMS[name][0 if version == 3 else 1]
    return struct.pack(form, *value[:len(struct.unpack(form, bytes(struct.calcsize(form))))])


def crc(data):
    # begins with 0 and is not complemented; zlib complements at both ends
    return zlib.crc32(data, 0xffffffff) ^ 0xffffffff


def slow_crc(data):
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xedb88320 if value & 1 else 0)
    return value


def record(version, fields, checksum=True, words=None):
    bitmap = sum(BITS[name] for name in fields) | (CRC32 if checksum else 0)
    body = b''.join(field(version, name, fields[name]) for name in NAMES if name in fields)
    length = (len(body) + (4 if checksum else 0)) // 4 if words is None else words
    head = struct.pack('>BBH', 0x60, length, 0) if version == 3 else b''
    data = head + struct.pack('>I', bitmap) + body
    if checksum:
        assert crc(data) == slow_crc(data)
        data += struct.pack('>I', crc(data))
    return data


def file_header(version, begun=1100000000):
    return struct.pack('>IIII', 0x012cf047, 2, begun, 0) if version == 2 else b''


# --- what must come out ---

def iso(ns, digits):
    import datetime
    t = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S')
    return t + ('.%09d' % (ns % 10**9))[:digits + 1] * (digits > 0) + 'Z'


def expected(version, fields, index):
    """What a record must be in JSON. The header fields are those of the datagram's protocol."""
    info = fields.get('AGENT_INFO')
    netflow = info[3] if info and info[3] in (1, 5, 7, 9, 10) else 10
    engine = fields.get('FLOW_ENGINE_INFO')
    if engine and version == 2:
        engine = engine[:3] + (0,)
    out = {'exporter': fields.get('AGENT_ADDR6', fields.get('AGENT_ADDR4', '::')), 'exporterPort': 0,
           'version': netflow, 'domain': 0, 'sequence': 0, 'index': index}
    recv = fields.get('RECV_TIME')
    if recv:
        out['received'] = iso(recv[0] * 10**9 + (recv[1] * 1000 if version == 3 else 0), 9)
    if info:
        whole = netflow in (9, 10)
        out['exportTime'] = iso(info[1] * 10**9 + (0 if whole else info[2]), 0 if whole else 9)
    elif recv:  # a header of IPFIX, which has a time
        out['exportTime'] = iso(recv[0] * 10**9, 0)
    if engine:
        kind, number = engine[:2]
        if netflow == 5 or not info:
            kind = kind >> 8 | (kind & 255) << 8 if kind > 255 else kind
            number = number >> 8 | (number & 255) << 8 if number > 255 else number
        if netflow == 5:
            out['domain'] = kind << 8 | number
            if engine[3]:
                out['observationDomainId'] = engine[3]
        else:
            if kind:
                out['engineType'] = kind
            if number:
                out['engineId'] = number
            if netflow in (9, 10):
                out['domain'] = engine[3]
            elif engine[3]:
                out['observationDomainId'] = engine[3]
        if netflow != 1:
            out['sequence'] = engine[2]
    for name, four, six in (('SRC_ADDR', 'sourceIPv4Address', 'sourceIPv6Address'),
                            ('DST_ADDR', 'destinationIPv4Address', 'destinationIPv6Address'),
                            ('GATEWAY_ADDR', 'ipNextHopIPv4Address', 'ipNextHopIPv6Address')):
        if name + '4' in fields:
            out[four] = fields[name + '4']
        if name + '6' in fields:
            out[six] = fields[name + '6']
    if 'AGENT_ADDR6' in fields and 'AGENT_ADDR4' in fields:
        out['exporterIPv4Address'] = fields['AGENT_ADDR4']

    def put(name, *keys):
        if name in fields:
            out.update(zip(keys, fields[name]))
    put('PROTO_FLAGS_TOS', 'tcpControlBits', 'protocolIdentifier', 'ipClassOfService')
    put('SRCDST_PORT', 'sourceTransportPort', 'destinationTransportPort')
    put('PACKETS', 'packetDeltaCount')
    put('OCTETS', 'octetDeltaCount')
    put('IF_INDICES', 'ingressInterface', 'egressInterface')
    put('AS_INFO', 'bgpSourceAsNumber', 'bgpDestinationAsNumber',
        'sourceIPv6PrefixLength' if 'SRC_ADDR6' in fields and 'SRC_ADDR4' not in fields else 'sourceIPv4PrefixLength',
        'destinationIPv6PrefixLength' if 'DST_ADDR6' in fields and 'DST_ADDR4' not in fields
        else 'destinationIPv4PrefixLength')
    put('FLOW_TIMES', 'flowStartSysUpTime', 'flowEndSysUpTime')
    if 'FLOW_TIMES' in fields and info and (netflow != 10 or info[0]):
        boot = info[1] * 1000 - info[0] + (0 if netflow in (9, 10) else info[2] // 10**6)
        rest = 0 if netflow in (9, 10) else info[2] % 10**6
        for key, value in zip(('flowStart', 'flowEnd'), fields['FLOW_TIMES']):
            out[key] = iso((boot + value) * 10**6 + rest, 3)
    if netflow == 10 and info and info[0]:
        out['systemInitTimeMilliseconds'] = iso((info[1] * 1000 - info[0]) * 10**6, 3)
    if fields.get('TAG', (0,))[0]:
        out['tags'] = [fields['TAG'][0]]
    return out


# --- the stores ---

def flow(version, n, netflow=5, six=False, **more):
    """A record with all fields; two in succession are of one datagram."""
    d = n // 2
    f = {
        'TAG': (n % 7,),
        'RECV_TIME': (1100000000 + d, 123456 + d),
        'PROTO_FLAGS_TOS': (n & 63, 6 if n % 2 else 17, n * 4 & 255),
        'AGENT_ADDR4': '192.0.2.%d' % (1 + d % 3),
        'SRC_ADDR4': '10.1.%d.%d' % (n >> 8 & 255, n & 255),
        'DST_ADDR4': '10.2.%d.%d' % (n >> 8 & 255, n & 255),
        'GATEWAY_ADDR4': '10.3.0.1',
        'SRCDST_PORT': (1024 + n & 65535, 443),
        'PACKETS': ((n + 1) * 3,),
        'OCTETS': ((n + 1) * 5000000000,),
        'IF_INDICES': (7, 70000 if version == 3 else 300),
        'AGENT_INFO': (3600000 + 1000 * d, 1100000000 + d, 0 if netflow in (9, 10) else 500000000 + d, netflow),
        'FLOW_TIMES': (3590000 + 1000 * d, 3599999 + 1000 * d),
        'AS_INFO': (64512, 4200000000 if version == 3 else 65000, 24, 16),
        # by little-endian hosts: v5's engine type and id in the other order
        'FLOW_ENGINE_INFO': ((0x0200, 0x0900) if netflow == 5 and version == 3 else (2, 9)) + (1000 + 2 * d, 77 if netflow == 9 else 0),
    }
    if netflow == 10:  # flowd knows no sequence of these
        f['FLOW_ENGINE_INFO'] = (0, 0, 0, 0)
    if six:
        for name in ('AGENT', 'SRC', 'DST', 'GATEWAY'):
            f[name + '_ADDR6'] = '2001:db8:%x::%x' % (len(name), n)
            del f[name + '_ADDR4']
        f['AGENT_ADDR6'] = '2001:db8::1'
    f.update(more)
    return {k: v for k, v in f.items() if v is not None}


def everything(version):
    """(fields, checksum, index in its datagram)"""
    yield flow(version, 0), True, 0
    yield flow(version, 1), True, 1
    yield flow(version, 2, six=True), True, 0
    yield flow(version, 4, FLOW_ENGINE_INFO=(2, 9, 5000, 0)), True, 0  # a big-endian host
    yield flow(version, 6, TAG=None), False, 0
    yield flow(version, 8, netflow=9), False, 0
    yield flow(version, 9, netflow=9), False, 1
    yield flow(version, 10, netflow=9, six=True), False, 0
    yield flow(version, 12, netflow=10), False, 0
    yield flow(version, 14, netflow=10, AGENT_INFO=(0, 1100000007, 0, 10)), False, 0
    yield flow(version, 16, netflow=7), True, 0
    yield flow(version, 18, netflow=1, FLOW_ENGINE_INFO=None, AS_INFO=None), True, 0
    yield flow(version, 20, netflow=8), True, 0
    yield flow(version, 22, AGENT_INFO=None), True, 0
    yield flow(version, 24, AGENT_INFO=None, FLOW_ENGINE_INFO=None, GATEWAY_ADDR4=None, GATEWAY_ADDR6='2001:db8::9'), True, 0
    yield flow(version, 26, AGENT_ADDR6='2001:db8::2'), True, 0
    yield flow(version, 28, AGENT_ADDR4=None), True, 0
    # one field and its exporter, twice the same: two flows
    for n, name in enumerate(NAMES):
        if name.startswith('AGENT_ADDR'):
            continue
        one = flow(version, 100 + 2 * n, six=name.endswith('6'))
        few = {k: one[k] for k in (name, 'RECV_TIME', 'AGENT_ADDR6' if name.endswith('6') else 'AGENT_ADDR4')}
        yield few, n % 2 == 0, 0
        yield few, n % 2 == 0, 1


def main():
    if sys.argv[1] in ('small', 'many'):
        version = int(sys.argv[2])
        count = int(sys.argv[4]) if sys.argv[1] == 'many' else 4
        with open(sys.argv[3], 'wb') as out:
            out.write(file_header(version))
            for n in range(count):
                out.write(record(version, flow(version, n)))
        return
    version = int(sys.argv[1])
    with open(sys.argv[2], 'wb') as out, open(sys.argv[3], 'w') as want:
        out.write(file_header(version))
        for fields, checksum, index in everything(version):
            out.write(record(version, fields, checksum))
            want.write(json.dumps(expected(version, fields, index), sort_keys=True) + '\n')


if __name__ == '__main__':
    main()
