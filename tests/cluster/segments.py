#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Segments of a node's log, read as flowbraid-segment(5) has them, for tests that need to know what a log holds, or a
# log with one record damaged or gone. It shares no code with flowbraid.
#
#   segments.py list FOLDER                  file, offset, sequence, SHA-256 of each datagram's record
#   segments.py damage FILE SEQUENCE         changes one byte in the body of that record, in place
#   segments.py blank FILE SEQUENCE          leaves zeros in the record's place
import hashlib
import os
import struct
import sys

HEADERS = 2 * 512
RECORD_HEADER = 56
DATAGRAM = 1


class Record:
    """One record: its fields, and where it stands."""

    def __init__(self, data, offset):
        (mark, self.type, self.flags, self.length, self.sequence, self.time, address, self.port, self.listener, _,
         self.body_crc, self.header_crc) = struct.unpack(">HBBIQQ16sHHIII", data[offset:offset + RECORD_HEADER])
        if mark != 0xFB5E:
            raise ValueError(f"no record at offset {offset}")
        self.address = ".".join(map(str, address[12:]))
        self.offset = offset
        self.size = RECORD_HEADER + (self.length + 7 & ~7)
        self.body = data[offset + RECORD_HEADER:offset + RECORD_HEADER + self.length]
        if offset + self.size > len(data):
            raise ValueError(f"the record at offset {offset} is cut")


class Segment:
    """An undamaged segment; one still open may end in a partial record. CRCs are not checked here."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.data = f.read()
        self.records = []
        offset = HEADERS
        while offset < len(self.data):
            try:
                self.records.append(Record(self.data, offset))
            except (ValueError, struct.error):
                if path.endswith(".open"):
                    break
                raise
            offset += self.records[-1].size

    def find(self, sequence):
        for record in self.records:
            if record.sequence == sequence:
                return record
        sys.exit(f"{self.path}: no record {sequence}")


def files(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if ".fbs" in name)


def write_in_place(path, data):
    with open(path, "r+b") as f:
        f.write(data)
        f.truncate()


def damage(path, sequence):
    segment = Segment(path)
    data = bytearray(segment.data)
    data[segment.find(sequence).offset + RECORD_HEADER + 8] ^= 0x10
    write_in_place(path, data)


def blank(path, sequence):
    segment = Segment(path)
    gone = segment.find(sequence)
    write_in_place(path, segment.data[:gone.offset] + bytes(gone.size) + segment.data[gone.offset + gone.size:])


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "list":
        for path in files(sys.argv[2]):
            for r in Segment(path).records:
                if r.type == DATAGRAM:
                    print(path, r.offset, r.sequence, hashlib.sha256(r.body).hexdigest())
    elif len(sys.argv) == 4 and sys.argv[1] == "damage":
        damage(sys.argv[2], int(sys.argv[3]))
    elif len(sys.argv) == 4 and sys.argv[1] == "blank":
        blank(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit("usage: segments.py list FOLDER | damage FILE SEQUENCE | blank FILE SEQUENCE")


if __name__ == "__main__":
    main()
