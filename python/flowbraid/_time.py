# SPDX-License-Identifier: ISC
"""Times with nanoseconds. A datetime ends at microseconds, so this one carries the whole number beside it."""

from __future__ import annotations

import datetime
import re
from typing import Any, Union

_NS = 1_000_000_000
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?"
)


class Time(datetime.datetime):
    """A moment, in UTC. ns: nanoseconds since 1970. What arithmetic makes of it ends at microseconds.

    Two of them are equal when their nanoseconds are; beside another datetime microseconds count."""

    ns: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Time:
        made = super().__new__(cls, *args, **kwargs)
        made.ns = _ns_of(made)
        return made

    @classmethod
    def from_ns(cls, ns: int) -> Time:
        days, rest = divmod(ns, 86400 * _NS)
        date = datetime.date.fromordinal(_EPOCH.toordinal() + days)
        second, part = divmod(rest, _NS)
        made = datetime.datetime.__new__(
            cls,
            date.year,
            date.month,
            date.day,
            second // 3600,
            second // 60 % 60,
            second % 60,
            part // 1000,
            datetime.timezone.utc,
        )
        made.ns = ns
        return made

    @property
    def nanosecond(self) -> int:
        """Of the second: 0 to 999999999."""
        return self.ns % _NS

    def __str__(self) -> str:
        return f"{self.strftime('%Y-%m-%dT%H:%M:%S')}.{self.ns % _NS:09d}Z"

    def __repr__(self) -> str:
        return f"Time({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Time):
            return self.ns == other.ns
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __lt__(self, other: datetime.datetime) -> bool:  # type: ignore[override]
        if isinstance(other, Time):
            return self.ns < other.ns
        return super().__lt__(other)

    def __le__(self, other: datetime.datetime) -> bool:  # type: ignore[override]
        return self < other or self == other

    def __gt__(self, other: datetime.datetime) -> bool:  # type: ignore[override]
        if isinstance(other, Time):
            return self.ns > other.ns
        return super().__gt__(other)

    def __ge__(self, other: datetime.datetime) -> bool:  # type: ignore[override]
        return self > other or self == other

    def __reduce__(self) -> Any:
        return Time.from_ns, (self.ns,)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()


TimeLike = Union[int, str, datetime.datetime]


def _ns_of(when: datetime.datetime) -> int:
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    # Time's own subtraction would make another of its kind
    gap = datetime.datetime.__sub__(when, _EPOCH)
    return (gap.days * 86400 + gap.seconds) * _NS + gap.microseconds * 1000


def to_ns(when: TimeLike) -> int:
    """Nanoseconds since 1970 of an int that is that, of a datetime (without a zone: UTC), or of ISO 8601 text."""
    if isinstance(when, Time):
        return when.ns
    if isinstance(when, datetime.datetime):
        return _ns_of(when)
    if isinstance(when, int):
        return when
    match = _TEXT.fullmatch(when.strip())
    if match is None:
        raise ValueError(f"{when!r}: expected YYYY-MM-DD HH:MM:SS, or a part of it")
    year, month, day, hour, minute, second, part, zone = match.groups()
    plain = datetime.datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
    )
    ns = _ns_of(plain) + int((part or "").ljust(9, "0"))
    if zone not in (None, "Z"):
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        ns -= (hours * 3600 + minutes * 60) * _NS * (-1 if zone[0] == "-" else 1)
    return ns
