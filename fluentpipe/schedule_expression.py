"""When a schedule starts something, as EventBridge Scheduler writes it: `rate(1 day)`, `cron(0 6 ? * MON *)`, `at(2026-01-31T06:00:00)`.

The grammar is that of "Schedule types" in the user guide of EventBridge Scheduler. The service names neither the field nor
what is wrong with it; this does, before the service is asked.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Iterator

import attrs

from fluentpipe.errors import SettingError, did_you_mean

_UNITS = ("minute", "minutes", "hour", "hours", "day", "days")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_EXAMPLES = '"rate(1 day)", "cron(0 6 ? * MON-FRI *)" or "at(2027-01-31T06:00:00)"'


@attrs.frozen
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    special: str = "(?!)"  # pattern of what else may stand there

    def faults(self, text: str) -> Iterator[str]:
        """What is wrong with the field."""
        for item in text.upper().split(","):
            if re.fullmatch(self.special, item):
                continue
            start, _, step = item.partition("/")
            if ("/" in item and not (step.isascii() and step.isdigit() and int(step))) or not self._is_span(start):
                words = f" or {self.words[0]} to {self.words[-1]}" if self.words else ""
                yield f"{self.name}: {item!r} is none of {self.low} to {self.high}{words}, a range of them, or *"

    def _is_span(self, text: str) -> bool:
        if text == "*":
            return True
        ends = [self._number(end) for end in text.split("-")]
        return len(ends) <= 2 and all(end is not None for end in ends)

    def _number(self, text: str) -> int | None:
        if text in self.words:
            return self.low + self.words.index(text)
        found = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else -1
        return found if self.low <= found <= self.high else None


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, special=r"\?|L|LW|([1-9]|[12]\d|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, special=rf"\?|L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])"),
    _Field("year", 1970, 2199),
)


def checked(expression: str) -> str:
    """The expression, if the service will understand it.

    Raises:
        SettingError: It will not; lists every fault.
    """
    faults = tuple(_faults(expression))
    if faults:
        raise SettingError(f"{expression!r} is no schedule.", *faults, fix=_EXAMPLES, faults=faults)
    return expression


def checked_timezone(name: str) -> str:
    """The name of a time zone, if it is one of the IANA database.

    Raises:
        SettingError: It is none.
    """
    known = zoneinfo.available_timezones()  # none on a system without the database: then the service decides
    if known and name not in known:
        raise SettingError(
            f"{name!r} is no time zone.{did_you_mean(name, known)}", fix='timezone="Europe/Berlin", or "UTC"'
        )
    return name


def _faults(expression: str) -> Iterator[str]:
    match = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression)
    if match is None:
        yield "it is none of rate(…), cron(…), at(…)"
    elif match[1] == "rate":
        yield from _rate_faults(match[2])
    elif match[1] == "cron":
        yield from _cron_faults(match[2])
    else:
        yield from _at_faults(match[2])


def _rate_faults(text: str) -> Iterator[str]:
    value, _, unit = text.partition(" ")
    if not re.fullmatch(r"[1-9]\d{0,8}", value, re.ASCII):
        yield f"rate: {value!r} is no whole number above 0"
    if unit not in _UNITS:
        yield f"rate: {unit!r} is none of minutes, hours, days.{did_you_mean(unit, _UNITS)}"


def _cron_faults(text: str) -> Iterator[str]:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        yield f"cron: it has {len(fields)} fields; six are needed: {names}"
        return
    for field, said in zip(_FIELDS, fields, strict=True):
        yield from field.faults(said)
    if (fields[2] == "?") == (fields[4] == "?"):
        yield "cron: one of day of month and day of week, and only one, must be ?"


def _at_faults(text: str) -> Iterator[str]:
    try:
        datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  the zone is said beside it
    except ValueError:
        yield f"at: {text!r} is no time such as 2027-01-31T06:00:00"
