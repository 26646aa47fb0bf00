# SPDX-License-Identifier: ISC
"""One flow: a copy of its record and of where its fields stand. A value becomes Python's when it is asked for."""

from __future__ import annotations

import ctypes
import ipaddress
import json
import struct
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from ._library import FIELD
from ._time import Time

if TYPE_CHECKING:
    from ._reader import Datagram

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Value = Union[int, float, bool, str, bytes, Address, Time, None, List[Any], Dict[str, Any]]

OCTETS, UNSIGNED, SIGNED, FLOAT, BOOLEAN, MAC, TEXT = range(7)
SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS, IPV4, IPV6, BASIC_LIST, TEMPLATE_LIST, MULTI_LIST = range(7, 16)
ABSENT = 255
PADDING = "paddingOctets"

_u64: Callable[[bytes], Tuple[int]] = struct.Struct("@Q8x").unpack  # type: ignore[assignment]
_i64: Callable[[bytes], Tuple[int]] = struct.Struct("@q8x").unpack  # type: ignore[assignment]
_f64: Callable[[bytes], Tuple[float]] = struct.Struct("@d8x").unpack  # type: ignore[assignment]
_from_bytes = int.from_bytes

_NAME_WORD = 2  # of a field, in words of 8 bytes
_WORDS = FIELD.size // 8

# From the union of a field to what Python has for it.
_decoders: Dict[int, Callable[[bytes], Value]] = {
    UNSIGNED: lambda raw: _u64(raw)[0],
    SIGNED: lambda raw: _i64(raw)[0],
    FLOAT: lambda raw: _f64(raw)[0],
    BOOLEAN: lambda raw: _u64(raw)[0] != 0,
    MAC: lambda raw: ":".join(f"{byte:02x}" for byte in _u64(raw)[0].to_bytes(6, "big")),
    SECONDS: lambda raw: Time.from_ns(_i64(raw)[0]),
    MILLISECONDS: lambda raw: Time.from_ns(_i64(raw)[0]),
    MICROSECONDS: lambda raw: Time.from_ns(_i64(raw)[0]),
    NANOSECONDS: lambda raw: Time.from_ns(_i64(raw)[0]),
    IPV4: lambda raw: ipaddress.IPv4Address(_from_bytes(raw[12:], "big")),
    IPV6: lambda raw: ipaddress.IPv6Address(raw),
    ABSENT: lambda raw: None,
}


def address(mapped: bytes) -> Address:
    """Of 16 bytes, IPv4 as IPv4-mapped."""
    if mapped[:12] == b"\0\0\0\0\0\0\0\0\0\0\xff\xff":
        return ipaddress.IPv4Address(mapped[12:])
    return ipaddress.IPv6Address(mapped)


Layout = Dict[str, Tuple[int, ...]]  # name: places of its fields
_layouts: Dict[Tuple[Tuple[int, ...], ...], Layout] = {}
_LAYOUTS_MOST = 4096  # foreign templates must not fill memory


def _layout_of(fields: bytes) -> Layout:
    words = tuple(memoryview(fields).cast("Q")[_NAME_WORD::_WORDS].tolist())
    key: Tuple[Tuple[int, ...], ...] = (words,)
    if 0 in words:
        key = (words, tuple(n for f in FIELD.iter_unpack(fields) for n in (f[4], f[5])))
    layout = _layouts.get(key)
    if layout is None:
        if len(_layouts) >= _LAYOUTS_MOST:
            _layouts.clear()
        places: Dict[str, List[int]] = {}
        for place, (_, name, _, _, pen, number, _, _, _) in enumerate(FIELD.iter_unpack(fields)):
            text = ctypes.string_at(name).decode() if name else f"{pen}/{number}"
            if text != PADDING:
                places.setdefault(text, []).append(place)
        layout = _layouts[key] = {name: tuple(at) for name, at in places.items()}
    return layout


class Flow(Mapping[str, Value]):
    """A flow: a mapping from names of elements ("PEN/ID" where one has none) to values, in the order of its template.

    An element that stands in it several times has a list of values. An element without bytes is None."""

    __slots__ = (
        "datagram",
        "index",
        "options",
        "late",
        "start_ns",
        "end_ns",
        "tags",
        "_record",
        "_base",
        "_fields",
        "_known",
        "_json",
    )

    datagram: Datagram
    index: int  #: place in its datagram
    options: bool  #: an options data record, which is no flow
    late: bool  #: its template came after it, or was heard by another node
    start_ns: Optional[int]  #: nanoseconds since 1970; None: the record does not say
    end_ns: Optional[int]
    tags: Tuple[int, ...]  #: that a policy gave it, ascending

    _record: bytes
    _base: int
    _fields: bytes
    _known: Optional[Layout]
    _json: Optional[str]

    def _layout(self) -> Layout:
        known = self._known
        if known is None:
            known = self._known = _layout_of(self._fields)
        return known

    def _value(self, place: int, name: str, nth: int, count: int) -> Value:
        raw, _, _, at, _, _, length, kind, _ = FIELD.unpack_from(self._fields, place * FIELD.size)
        decode = _decoders.get(kind)
        if decode is not None:
            return decode(raw)
        if kind in (BASIC_LIST, TEMPLATE_LIST, MULTI_LIST):
            of_lists = json.loads(self._json or "{}").get(name)
            value: Value = of_lists[nth] if count > 1 else of_lists
            return value
        piece = self._record[at - self._base : at - self._base + length]
        return piece.decode() if kind == TEXT else piece

    def __getitem__(self, name: str) -> Value:
        known = self._known
        if known is None:
            known = self._known = _layout_of(self._fields)
        places = known[name]
        if len(places) == 1:
            return self._value(places[0], name, 0, 1)
        return [self._value(place, name, nth, len(places)) for nth, place in enumerate(places)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout())

    def __len__(self) -> int:
        return len(self._layout())

    def __contains__(self, name: object) -> bool:
        return name in self._layout()

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"<Flow {self.index} of {self.datagram!r}: {dict(self)!r}>"

    def json(self) -> str:
        """As `flowbraid cat -F json` prints it. Only while the reader has not gone on."""
        return self._json if self._json is not None else self.datagram._reader._json_of(self)

    def _first(self, *names: str) -> Value:
        known = self._layout()
        for name in names:
            places = known.get(name)
            if places is not None:
                return self._value(places[0], name, 0, len(places))
        return None

    def _number(self, *names: str) -> Optional[int]:
        value = self._first(*names)
        return value if isinstance(value, int) else None

    def _address(self, four: str, six: str) -> Optional[Address]:
        """Some templates have both, one of them zero."""
        value = self._first(four)
        if value is None or (isinstance(value, ipaddress.IPv4Address) and int(value) == 0):
            other = self._first(six)
            if other is not None and (value is None or (isinstance(other, ipaddress.IPv6Address) and int(other) != 0)):
                value = other
        return value if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)) else None

    # What most programs want, whatever element tells it; None: none does.

    @property
    def octets(self) -> Optional[int]:
        return self._number("octetDeltaCount", "octetTotalCount")

    @property
    def packets(self) -> Optional[int]:
        return self._number("packetDeltaCount", "packetTotalCount")

    @property
    def protocol(self) -> Optional[int]:
        return self._number("protocolIdentifier")

    @property
    def src(self) -> Optional[Address]:
        return self._address("sourceIPv4Address", "sourceIPv6Address")

    @property
    def dst(self) -> Optional[Address]:
        return self._address("destinationIPv4Address", "destinationIPv6Address")

    @property
    def src_port(self) -> Optional[int]:
        return self._number("sourceTransportPort", "tcpSourcePort", "udpSourcePort")

    @property
    def dst_port(self) -> Optional[int]:
        return self._number("destinationTransportPort", "tcpDestinationPort", "udpDestinationPort")

    @property
    def tcp_flags(self) -> Optional[int]:
        return self._number("tcpControlBits")

    @property
    def start(self) -> Optional[Time]:
        """When it began."""
        return None if self.start_ns is None else Time.from_ns(self.start_ns)

    @property
    def end(self) -> Optional[Time]:
        return None if self.end_ns is None else Time.from_ns(self.end_ns)

    @property
    def exporter(self) -> Address:
        return self.datagram.exporter

    @property
    def received(self) -> Time:
        return self.datagram.received
