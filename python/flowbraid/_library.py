# SPDX-License-Identifier: ISC
"""libflowbraid as ctypes sees it: flowbraid/flowbraid.h says what each function does."""

from __future__ import annotations

import ctypes
import os
import struct
from ctypes import POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import NamedTuple, Optional, Tuple, Union

SONAME = "libflowbraid.so.0"

OK, END, MALFORMED, LIMIT, MEMORY = 0, 1, 3, 6, 7
NO_FROM, NO_TO = -(1 << 63), (1 << 63) - 1


class Error(Exception):
    """What libflowbraid could not do; the text names the file. status: enum flowbraid_status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class ExpressionError(Error, ValueError):
    """An expression that is none. column: where the fault is, in bytes from 1."""

    def __init__(self, text: str, status: int, column: int) -> None:
        super().__init__(text, status)
        self.column = column


class Value(ctypes.Union):
    _fields_ = [
        ("u64", c_uint64),
        ("i64", c_int64),
        ("f64", c_double),
        ("time_ns", c_int64),
        ("address", c_uint8 * 16),
    ]


class FieldStruct(ctypes.Structure):
    _fields_ = [
        ("value", Value),
        ("name", c_void_p),
        ("unit", c_void_p),
        ("bytes", c_void_p),
        ("pen", c_uint32),
        ("id", c_uint16),
        ("len", c_uint16),
        ("type", c_uint8),
        ("scope", c_uint8),
    ]


class DatagramStruct(ctypes.Structure):
    _fields_ = [
        ("payload", c_void_p),
        ("len", c_size_t),
        ("received_ns", c_int64),
        ("export_ns", c_int64),
        ("exporter", c_uint8 * 16),
        ("agent", c_uint8 * 16),
        ("domain", c_uint32),
        ("sequence", c_uint32),
        ("uptime_ms", c_uint32),
        ("port", c_uint16),
        ("protocol", c_uint8),
        ("has_export_time", c_uint8),
        ("has_sequence", c_uint8),
        ("has_uptime", c_uint8),
        ("witness_count", c_size_t),
        ("witnesses", POINTER(c_char_p)),
        ("number", c_uint64),
    ]


class FlowStruct(ctypes.Structure):
    _fields_ = [
        ("datagram", c_void_p),
        ("record", c_void_p),
        ("record_len", c_size_t),
        ("start_ns", c_int64),
        ("end_ns", c_int64),
        ("start_digits", ctypes.c_int8),
        ("end_digits", ctypes.c_int8),
        ("options", c_uint8),
        ("late", c_uint8),
        ("index", c_uint32),
        ("tags", POINTER(c_uint32)),
        ("tag_count", c_size_t),
    ]


class ElementStruct(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("unit", c_char_p),
        ("semantics", c_char_p),
        ("pen", c_uint32),
        ("id", c_uint16),
        ("type", c_uint8),
    ]


# The same for struct, which takes all members in one call.
FLOW = struct.Struct("@PPNqqbbBBIPN")
_pad = ctypes.sizeof(FieldStruct) - struct.calcsize("@16sPPPIHHBB")
FIELD = struct.Struct(f"@16sPPPIHHBB{_pad}x")
assert FLOW.size <= ctypes.sizeof(FlowStruct)
assert FIELD.size == ctypes.sizeof(FieldStruct)

FINDING_FUNCTION = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)


def _load() -> ctypes.CDLL:
    path = os.environ.get("FLOWBRAID_LIBRARY", SONAME)
    try:
        return ctypes.CDLL(path)
    except OSError as why:
        raise ImportError(
            f"{why}; libflowbraid is needed, where the dynamic linker finds it or FLOWBRAID_LIBRARY names it"
        ) from None


lib = _load()

for _name, _result, _arguments in (
    ("version", c_char_p, []),
    ("reader_new", c_int, [POINTER(c_void_p)]),
    ("reader_free", None, [c_void_p]),
    ("reader_select", c_int, [c_void_p, c_char_p]),
    ("reader_span", None, [c_void_p, c_int64, c_int64]),
    ("reader_with_options", None, [c_void_p, c_int]),
    ("reader_on_finding", None, [c_void_p, FINDING_FUNCTION, c_void_p]),
    ("reader_open", c_int, [c_void_p, c_char_p]),
    ("reader_next_datagram", c_int, [c_void_p, c_void_p]),
    ("reader_next_flow", c_int, [c_void_p, c_void_p]),
    ("reader_next", c_int, [c_void_p, c_void_p]),
    ("reader_error", c_char_p, [c_void_p]),
    ("reader_error_column", c_size_t, [c_void_p]),
    ("reader_file", c_char_p, [c_void_p]),
    ("reader_findings", c_uint64, [c_void_p]),
    ("reader_undecoded", c_uint64, [c_void_p]),
    ("flow_fields", c_int, [c_void_p, c_void_p, c_void_p]),
    ("flow_json", c_void_p, [c_void_p, POINTER(c_size_t)]),
    ("element_by_name", c_int, [c_char_p, POINTER(ElementStruct)]),
    ("element_by_id", c_int, [c_uint32, c_uint16, POINTER(ElementStruct)]),
):
    _function = getattr(lib, "flowbraid_" + _name)
    _function.restype = _result
    _function.argtypes = _arguments


def library_version() -> str:
    """The version of the library that is in use."""
    text: bytes = lib.flowbraid_version()
    return text.decode()


class Element(NamedTuple):
    """What is known of an information element (RFC 7012). type: enum flowbraid_type."""

    name: str
    pen: int
    id: int
    type: int
    unit: str
    semantics: str


def element(key: Union[str, Tuple[int, int]]) -> Optional[Element]:
    """By name, or by (PEN, ID); None: nobody knows it."""
    found = ElementStruct()
    if isinstance(key, str):
        known = lib.flowbraid_element_by_name(key.encode(), found)
    else:
        known = lib.flowbraid_element_by_id(key[0], key[1], found)
    if not known:
        return None
    return Element(
        found.name.decode(), found.pen, found.id, found.type, found.unit.decode(), found.semantics.decode()
    )


def raise_error(reader: c_void_p, status: int) -> None:
    """What the last call on the reader has to say."""
    text: str = lib.flowbraid_reader_error(reader).decode(errors="replace")
    column: int = lib.flowbraid_reader_error_column(reader)
    if status == MEMORY:
        raise MemoryError(text or "out of memory")
    if column > 0:
        raise ExpressionError(text, status, column)
    raise Error(text, status)
