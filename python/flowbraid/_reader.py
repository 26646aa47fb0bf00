# SPDX-License-Identifier: ISC
"""A reader: paths in turn, their datagrams, their flows."""

from __future__ import annotations

import ctypes
import enum
import os
from types import TracebackType
from typing import Any, Callable, Iterator, List, Optional, Tuple, Type, Union

from . import _library
from ._flow import Address, Flow, address
from ._library import END, FIELD, FINDING_FUNCTION, FLOW, NO_FROM, NO_TO, OK, DatagramStruct, Error, lib, raise_error
from ._time import Time, TimeLike, to_ns

_TYPE_AT = _library.FieldStruct.type.offset


class Protocol(enum.IntEnum):
    NONE = 0
    V1 = 1
    V5 = 5
    V7 = 7
    V8 = 8
    V9 = 9
    IPFIX = 10
    SFLOW = 105


class Datagram:
    """A datagram as an exporter sent it, and who heard it."""

    __slots__ = (
        "exporter",
        "port",
        "received",
        "protocol",
        "agent",
        "domain",
        "sequence",
        "export_time",
        "uptime_ms",
        "witnesses",
        "_payload",
        "_reader",
        "_number",
    )

    exporter: Address
    port: int
    received: Time  #: in an archive: the middle of what its witnesses say
    protocol: Protocol
    agent: Optional[Address]  #: sFlow's
    domain: int
    sequence: Optional[int]
    export_time: Optional[Time]
    uptime_ms: Optional[int]
    witnesses: Optional[Tuple[str, ...]]  #: of an archive: names of the nodes that heard it; None: not known

    def __init__(self, seen: DatagramStruct, reader: Reader) -> None:
        self.exporter = address(bytes(seen.exporter))
        self.port = seen.port
        self.received = Time.from_ns(seen.received_ns)
        self.protocol = Protocol(seen.protocol)
        self.agent = address(bytes(seen.agent)) if self.protocol is Protocol.SFLOW else None
        self.domain = seen.domain
        self.sequence = seen.sequence if seen.has_sequence else None
        self.export_time = Time.from_ns(seen.export_ns) if seen.has_export_time else None
        self.uptime_ms = seen.uptime_ms if seen.has_uptime else None
        self.witnesses = (
            tuple(seen.witnesses[i].decode() for i in range(seen.witness_count)) if seen.witnesses else None
        )
        self._payload: Optional[bytes] = None
        self._reader = reader
        self._number: int = seen.number

    @property
    def payload(self) -> Optional[bytes]:
        """All of its bytes; None: only flows that a policy selected were kept. To be asked for before the reader goes on to another datagram."""
        if self._payload is None:
            seen = self._reader._datagram_struct()
            if seen is None or seen.number != self._number:
                raise Error("the reader has gone on from this datagram", 11)
            self._payload = ctypes.string_at(seen.payload, seen.len) if seen.payload else None
        return self._payload

    def flows(self) -> Iterator[Flow]:
        """Its flows, those that the reader selects."""
        return self._reader._flows_of(self)

    def __repr__(self) -> str:
        return f"<Datagram {self.protocol.name} of {self.exporter} port {self.port}, {self.received}>"


Path = Union[str, "os.PathLike[str]"]


class Reader:
    """What open() gives: iterates over flows, once. One thread at a time may use it, and what it holds is freed by close()."""

    def __init__(
        self,
        paths: Tuple[Path, ...],
        expression: Optional[str],
        since: Optional[TimeLike],
        until: Optional[TimeLike],
        options: bool,
        on_finding: Optional[Callable[[str], None]],
    ) -> None:
        self._handle: Optional[ctypes.c_void_p] = None
        handle = ctypes.c_void_p()
        if lib.flowbraid_reader_new(ctypes.byref(handle)) != OK:
            raise MemoryError
        self._handle = handle
        self._paths: List[Path] = list(paths)
        self._at = ctypes.c_void_p()  # the flow at hand
        self._datagram: Optional[Datagram] = None
        self._datagram_at: Optional[DatagramStruct] = None
        self._current: Optional[Flow] = None
        self._told: List[BaseException] = []
        self._on_finding = on_finding
        try:
            if expression is not None:
                self.select(expression)
            lib.flowbraid_reader_span(
                handle, NO_FROM if since is None else to_ns(since), NO_TO if until is None else to_ns(until)
            )
            lib.flowbraid_reader_with_options(handle, int(options))
            if on_finding is not None:
                self._callback = FINDING_FUNCTION(self._tell)  # C does not keep it alive
                lib.flowbraid_reader_on_finding(handle, self._callback, None)
            if not self._paths:
                raise ValueError("no path to read")
            self._open_next()
        except BaseException:
            self.close()
            raise

    def _tell(self, _: Any, text: Optional[bytes]) -> None:
        """An exception cannot pass through C; it is raised when the call is over."""
        try:
            if self._on_finding is not None:
                self._on_finding((text or b"").decode(errors="replace"))
        except BaseException as why:
            self._told.append(why)

    def _check(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise ValueError("the reader is closed")
        return self._handle

    def _raise_told(self) -> None:
        if self._told:
            raise self._told.pop(0)

    def _open_next(self) -> None:
        path = os.fspath(self._paths.pop(0))
        status = lib.flowbraid_reader_open(self._check(), os.fsencode(path))
        self._raise_told()
        if status != OK:
            raise_error(self._check(), status)

    def select(self, expression: Optional[str]) -> None:
        """Only flows that match from now on (flowbraid-filter(7)); None: all. ExpressionError: it is none."""
        handle = self._check()
        status = lib.flowbraid_reader_select(handle, None if expression is None else expression.encode())
        if status != OK:
            raise_error(handle, status)

    def _datagram_struct(self) -> Optional[DatagramStruct]:
        return self._datagram_at if self._handle is not None else None

    def _take_datagram(self, at: int) -> Datagram:
        """The datagram at hand, made when it is another one than that of the flow before."""
        seen = self._datagram_at
        if seen is None or ctypes.addressof(seen) != at:
            seen = self._datagram_at = DatagramStruct.from_address(at)
        if self._datagram is None or self._datagram._number != seen.number:
            self._datagram = Datagram(seen, self)
        return self._datagram

    def _walk(self, step: Callable[[Any, Any], int], whole: bool) -> Iterator[Flow]:
        """Flows as long as step gives some; whole: of all paths."""
        handle = self._check()
        at, fields, count = self._at, ctypes.c_void_p(), ctypes.c_size_t()
        at_ref, fields_ref, count_ref = ctypes.byref(at), ctypes.byref(fields), ctypes.byref(count)
        flow_fields, string_at = lib.flowbraid_flow_fields, ctypes.string_at
        shown_at, shown, number, datagram = 0, b"", 0, None
        lists = frozenset((13, 14, 15))
        has_list: dict[bytes, bool] = {}
        while True:
            if self._handle is None:
                raise ValueError("the reader is closed")
            status = step(handle, at_ref)
            if self._told:
                self._raise_told()
            if status != OK:
                self._current = None
                if status != END:
                    raise_error(handle, status)
                if not whole or not self._paths:
                    return
                self._open_next()
                continue
            if at.value != shown_at:
                shown_at = at.value or 0
                shown = (ctypes.c_char * FLOW.size).from_address(shown_at)  # type: ignore[assignment]
            datagram_at, record, length, start, end, start_digits, end_digits, options, late, index, tags, tag_count = (
                FLOW.unpack_from(shown)
            )
            seen = self._datagram_at
            if seen is None or datagram is None or seen.number != number:
                datagram = self._take_datagram(datagram_at)
                number = datagram._number
            if flow_fields(at, fields_ref, count_ref) != OK:
                raise MemoryError
            flow = Flow.__new__(Flow)
            flow.datagram = datagram
            flow.index = index
            flow.options = options != 0
            flow.late = late != 0
            flow.start_ns = start if start_digits >= 0 else None
            flow.end_ns = end if end_digits >= 0 else None
            flow.tags = tuple((ctypes.c_uint32 * tag_count).from_address(tags)) if tag_count else ()
            flow._base = record
            flow._record = string_at(record, length)
            flow._fields = packed = string_at(fields, count.value * FIELD.size)
            flow._known = None
            flow._json = None
            self._current = flow
            types = packed[_TYPE_AT :: FIELD.size]
            known = has_list.get(types)
            if known is None:
                if len(has_list) > 1000:
                    has_list.clear()
                known = has_list[types] = not lists.isdisjoint(types)
            if known:  # their templates are known now only
                flow._json = self._json_of(flow)
            yield flow

    def _json_of(self, flow: Flow) -> str:
        if self._handle is None or self._current is not flow:
            raise Error("the reader has gone on from this flow", 11)
        length = ctypes.c_size_t()
        text = lib.flowbraid_flow_json(self._at, ctypes.byref(length))
        if text is None:
            raise MemoryError
        return ctypes.string_at(text, length.value).decode()

    def __iter__(self) -> Iterator[Flow]:
        return self._walk(lib.flowbraid_reader_next, True)

    def _flows_of(self, datagram: Datagram) -> Iterator[Flow]:
        seen = self._datagram_struct()
        if seen is None or seen.number != datagram._number:
            raise Error("the reader has gone on from this datagram", 11)
        return self._walk(lib.flowbraid_reader_next_flow, False)

    def datagrams(self) -> Iterator[Datagram]:
        """Every datagram, whatever is in it; each with its payload."""
        at = ctypes.c_void_p()
        while True:
            handle = self._check()
            self._current = None
            status = lib.flowbraid_reader_next_datagram(handle, ctypes.byref(at))
            self._raise_told()
            if status == END:
                if not self._paths:
                    return
                self._open_next()
            elif status != OK:
                raise_error(handle, status)
            else:
                datagram = self._take_datagram(at.value or 0)
                _ = datagram.payload
                yield datagram

    @property
    def file(self) -> str:
        """The file at hand."""
        return os.fsdecode(lib.flowbraid_reader_file(self._check()))

    @property
    def findings(self) -> int:
        """Damaged places met so far."""
        return int(lib.flowbraid_reader_findings(self._check()))

    @property
    def undecoded(self) -> int:
        """Data sets skipped so far, because nobody told their template."""
        return int(lib.flowbraid_reader_undecoded(self._check()))

    def close(self) -> None:
        handle, self._handle = self._handle, None
        self._current = None
        self._datagram_at = None
        if handle is not None:
            lib.flowbraid_reader_free(handle)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], why: Optional[BaseException], where: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()


def open(
    *paths: Path,
    expression: Optional[str] = None,
    since: Optional[TimeLike] = None,
    until: Optional[TimeLike] = None,
    options: bool = False,
    on_finding: Optional[Callable[[str], None]] = None,
) -> Reader:
    """Opens log folders, segments or archives, which are read one after the other.

    expression   only flows that match, flowbraid-filter(7)
    since, until only datagrams received in [since, until): text, a datetime, or nanoseconds since 1970
    options      options data records, too
    on_finding   told of each damaged place, a line of text; what is whole is read all the same

    Error: a path cannot be read. ExpressionError: the expression is none, and why."""
    return Reader(paths, expression, since, until, options, on_finding)
