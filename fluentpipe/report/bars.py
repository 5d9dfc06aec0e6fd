"""Bars: the importances of a model, and when each step ran."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from fluentpipe.report.evidence import Facts, finite
from fluentpipe.report.svg import element, group, picture, text, told_apart, width_of

MOST_FEATURES = 20
_ROW, _ROOM, _FIGURES = 25.0, 560.0, 54.0  # pixels: of a bar's row, of the drawing, of the figure after a bar
_NAMES = 230.0  # pixels of names, at most
_LABEL = 12.5  # pixels of a name's height


def importances(entries: Sequence[Facts]) -> Markup | None:
    """The features that took away most of the loss, with their shares of it."""
    shares = [(str(entry.get("feature", "")), finite(entry.get("share")) or 0.0, entry) for entry in entries]
    top = [each for each in sorted(shares, key=lambda each: -each[1]) if each[1] > 0][:MOST_FEATURES]
    if not top:
        return None
    most, rows = top[0][1], []
    names = told_apart([name for name, _, _ in top], _NAMES, _LABEL)
    left = 10 + max(width_of(name, _LABEL) for name in names)
    for place, (name, share, entry) in enumerate(top):
        middle = 4 + _ROW * (place + 0.5)
        length = max(1.5, (_ROOM - left - _FIGURES) * share / most)
        splits = finite(entry.get("splits"))
        said = f"{name}: {share:.1%} of the gain" + (f", {splits:.0f} splits" if splits is not None else "")
        rows.append(
            group(
                element("title", said),
                text(left - 8, middle + 4, names[place], class_="label", text_anchor="end"),
                element("rect", x=left, y=middle - 8, width=length, height=16, rx=3, class_="bar series-0"),
                text(left + length + 8, middle + 4, f"{share:.1%}", class_="tick"),
            )
        )
    return picture(_ROOM, 8 + _ROW * len(top), *rows, label="importances of the features", class_="chart bars")


def lane(start: object, end: object, begin: object, finish: object, state: str) -> Markup | None:
    """When a step ran: a bar in the span of the whole run; None if it did not.

    Args:
        start: Of the step, ISO 8601; so are all times.
        end: Of the step.
        begin: Of the run.
        finish: Of the run.
        state: Of the step, for its colour.
    """
    moments = [_moment(each) for each in (start, end, begin, finish)]
    if None in moments[:1] + moments[2:]:
        return None
    started, ended, first, last = (each if each is not None else moments[3] for each in moments)
    assert started is not None and ended is not None and first is not None and last is not None  # noqa: PT018 - narrows
    whole = max(last - first, 1e-3)
    left = min(1.0, max(0.0, (started - first) / whole))
    share = min(1.0 - left, max(0.0, (ended - started) / whole))
    bar = element("rect", x=left * 198, y=3, width=max(2.0, share * 200), height=8, rx=2, class_=f"lane {state}")
    track = element("rect", x=0, y=6.5, width=200, height=1, class_="track")
    return picture(200, 14, track, bar, label=f"from {left:.0%} to {left + share:.0%} of the run", class_="lanes")


def splits(rows: Sequence[tuple[str, float]]) -> Markup | None:
    """The parts of the data, side by side by their number of rows."""
    whole = sum(count for _, count in rows)
    if whole <= 0:
        return None
    marks, left = [], 0.0
    for place, (name, count) in enumerate(rows):
        width = _ROOM * max(0.0, count) / whole
        said = element("title", f"{name}: {count:,.0f} rows, {count / whole:.1%}")
        bar = {"y": 0, "width": max(0.0, width - 2), "height": 12, "rx": 3, "class_": f"part series-{place}"}
        marks.append(element("rect", said, x=left, **bar))
        left += width
    return picture(_ROOM, 12, *marks, label="rows of each part", class_="chart parts")


def _moment(written: object) -> float | None:
    if not isinstance(written, str):
        return None
    try:
        return datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
