# SPDX-License-Identifier: ISC
"""Reads the flows of flowbraid's logs, segments and archives, through libflowbraid.

    import flowbraid

    with flowbraid.open("archive", expression="dst port 443", since="2026-11-23 14:00") as reader:
        for flow in reader:
            print(flow["sourceIPv4Address"], flow.octets)

A Flow is a mapping from names of information elements to values, and stays valid when the reader has gone on. Values are int,
float, bool, str, bytes, ipaddress's addresses, and Time, which is a datetime that keeps its nanoseconds.

Readers have nothing in common: each may be used by a thread of its own.
"""

from ._library import (
    Element,
    Error,
    ExpressionError,
    element,
    library_version,
)
from ._reader import Datagram, Protocol, Reader, open
from ._flow import Address, Flow, Value
from ._time import Time, TimeLike

__all__ = [
    "Address",
    "Datagram",
    "Element",
    "Error",
    "ExpressionError",
    "Flow",
    "Protocol",
    "Reader",
    "Time",
    "TimeLike",
    "Value",
    "element",
    "library_version",
    "open",
]
