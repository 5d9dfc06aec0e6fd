"""Values in words: durations, times, anything that JSON holds."""

from __future__ import annotations

from datetime import datetime, timezone

from fluentpipe.report.chart import figure
from fluentpipe.report.evidence import finite


def duration(seconds: object) -> str:
    """Seconds for people: 0.42 s, 12.3 s, 4 min 10 s, 2 h 5 min."""
    found = finite(seconds)
    if found is None:
        return ""
    if found < 60:
        return f"{found:.2f} s" if found < 10 else f"{found:.1f} s"
    whole = round(found)
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def measure(value: float, places: int = 4) -> str:
    """A figure of merit: so many decimals, or the digits that count where those would hide it: 0.8450, 2.13e-06, 24,513."""
    if abs(value) >= 10:
        return figure(value, places + 1)
    return f"{value:.{places}f}" if not value or abs(value) >= 0.001 else f"{value:.3g}"


def moment(written: object) -> str:
    """A time in UTC: 21 November 2026, 11:29 UTC."""
    try:
        found = datetime.fromisoformat(str(written).replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return ""
    return f"{found.day} {found:%B %Y, %H:%M} UTC"


def plain(value: object) -> str:
    """A JSON value in a word or two."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    number = finite(value)
    if number is not None:
        return figure(number, 6) if isinstance(value, float) else str(value)
    return ", ".join(plain(each) for each in value) if isinstance(value, list | tuple) else str(value)
