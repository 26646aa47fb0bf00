#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Loads flows into an SQLite database, one transaction a path: a path that cannot be read whole leaves nothing. After flowd's
flowinsert.pl."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
from typing import Iterator, Optional, Tuple

import flowbraid

TABLE = """
CREATE TABLE IF NOT EXISTS flows (
    path TEXT NOT NULL,
    received_ns INTEGER NOT NULL,
    start_ns INTEGER,
    end_ns INTEGER,
    exporter TEXT NOT NULL,
    exporter_port INTEGER NOT NULL,
    domain INTEGER NOT NULL,
    sequence INTEGER,
    position INTEGER NOT NULL,
    protocol INTEGER,
    src TEXT, src_port INTEGER,
    dst TEXT, dst_port INTEGER,
    tcp_flags INTEGER,
    packets INTEGER,
    octets INTEGER
)"""
COLUMNS = TABLE.count(",") + 1


def signed(number: Optional[int]) -> Optional[int]:
    """SQLite's integers end at 2^63 - 1."""
    return number if number is None or number < 1 << 63 else number - (1 << 64)


def text(value: object) -> Optional[str]:
    return None if value is None else str(value)


def rows(reader: flowbraid.Reader, path: str) -> Iterator[Tuple[object, ...]]:
    for flow in reader:
        datagram = flow.datagram
        yield (
            path,
            datagram.received.ns,
            flow.start_ns,
            flow.end_ns,
            str(datagram.exporter),
            datagram.port,
            datagram.domain,
            datagram.sequence,
            flow.index,
            flow.protocol,
            text(flow.src),
            flow.src_port,
            text(flow.dst),
            flow.dst_port,
            signed(flow.tcp_flags),
            signed(flow.packets),
            signed(flow.octets),
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-e", "--expression", help="only flows that match; flowbraid-filter(7)")
    parser.add_argument("database")
    parser.add_argument("path", nargs="+", help="log folder, segment or archive")
    given = parser.parse_args()
    database = sqlite3.connect(given.database)
    database.execute(TABLE)
    insert = f"INSERT INTO flows VALUES ({', '.join('?' * COLUMNS)})"
    for path in given.path:
        with flowbraid.open(path, expression=given.expression) as reader, database:
            before = database.total_changes
            database.execute("DELETE FROM flows WHERE path = ?", (path,))  # loaded again, it is not there twice
            deleted = database.total_changes - before
            database.executemany(insert, rows(reader, path))
            print(f"{path}: {database.total_changes - before - deleted} flows")
    database.close()
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends it quietly
    try:
        sys.exit(main())
    except (flowbraid.Error, ValueError, sqlite3.Error) as why:
        sys.exit(f"{sys.argv[0]}: {why}")
