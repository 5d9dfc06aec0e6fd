"""Which classes are taken for which, drawn: the confusion matrix, and precision and recall of each class."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from markupsafe import Markup

from fluentpipe.report.chart import HEIGHT, WIDTH, Figure, figure, tick_figures
from fluentpipe.report.evidence import Evaluation, finite, mapping
from fluentpipe.report.svg import element, group, number, picture, text, told_apart, width_of

_MOST_CLASSES = 12  # in one drawing
_HIGHEST = 64.0  # pixels of a class
_LOWEST = 22.0  # pixels of a row of the matrix
_NAMES = 84.0  # pixels of a class's name beside its row, and above its column where it stands upright
_DEEPEST = 0.5  # of a cell's shade: beyond, neither dark nor light words can be read on it, in one scheme or the other

Matrix = list[list[float]]  # rows by actual class, then by predicted class


@attrs.frozen
class _Confusion:
    """The first classes by how often each was taken for each; no names without a usable matrix."""

    names: tuple[str, ...]
    rows: Matrix
    sums: tuple[float, ...]  # of the whole rows, the classes that are not drawn among them
    classes: int  # how many there are

    @classmethod
    def of(cls, evaluation: Evaluation) -> _Confusion:
        """The matrix of an evaluation's report."""
        sections = [mapping(each) for each in evaluation.report.values()]
        table = next((mapping(each["confusion_matrix"]) for each in sections if "confusion_matrix" in each), {})
        names = [str(name) for name in table]
        whole = [[finite(mapping(table[name]).get(other)) or 0.0 for other in names] for name in names[:_MOST_CLASSES]]
        usable = len(names) > 1 and all(count >= 0 for row in whole for count in row)
        drawn = names[:_MOST_CLASSES] if usable else []
        return cls(tuple(drawn), [row[: len(drawn)] for row in whole], tuple(map(sum, whole)), len(names))


def confusion(evaluation: Evaluation) -> Figure | None:
    """Rows by their actual class and the one predicted."""
    found = _Confusion.of(evaluation)
    if not found.names:
        return None
    count = len(found.names)
    left, wide = 28.0 + _NAMES, min(150.0, (WIDTH - 32.0 - _NAMES) / count)
    heads, upright = _heads(found.names, wide)
    top = 22.0 + (max(map(width_of, heads)) if upright else 12.0)
    side = max(_LOWEST, min(125.0, (HEIGHT - 26.0 - top) / count))
    marks = [text(left + wide * count / 2, 12, "predicted", class_="axis", text_anchor="middle")]
    for place, (name, head) in enumerate(zip(found.names, heads, strict=True)):
        marks.append(_head(left + wide * (place + 0.5), top - 6, name, head, upright))
    for place, (name, short) in enumerate(zip(found.names, told_apart(found.names, _NAMES), strict=True)):
        marks.append(_named(left - 8, top + side * (place + 0.5) + 4, name, short))
        for other, value in enumerate(found.rows[place]):
            share = value / (found.sums[place] or 1.0)
            pair = (name, found.names[other])
            marks.append(_cell(left + wide * other, top + side * place, wide, side, value, share, pair))
    lowest = top + side * count
    marks.append(text(12, (top + lowest) / 2, "actual", class_="axis", text_anchor="middle",
                      transform=f"rotate(-90 12 {number((top + lowest) / 2)})"))  # fmt: skip
    drawing = picture(WIDTH, max(lowest + 8, HEIGHT - 8), *marks, label="confusion matrix", class_="chart")
    return Figure("Confusion", _note(evaluation, found), drawing)


def _note(evaluation: Evaluation, found: _Confusion) -> str:
    threshold = finite(evaluation.report.get("threshold"))
    said = "Rows by their class and the one predicted"
    if threshold is not None:
        said = f"At the threshold {threshold:.4f}, the one with the highest F1 on held-out rows"
    cut = f"; the first {_MOST_CLASSES} of {found.classes} classes, shares of all their rows"
    return said + (cut if found.classes > _MOST_CLASSES else "")


def _heads(names: Sequence[str], wide: float) -> tuple[list[str], bool]:
    """Names of columns, and whether they stand upright: where one does not fit above its column."""
    upright = max(map(width_of, names)) > wide - 6
    if upright and len(names) <= 3:  # so few have room for most of a name
        return told_apart(names, wide - 6), False
    return told_apart(names, _NAMES) if upright else list(names), upright


def _head(x: float, y: float, name: str, short: str, upright: bool) -> Markup:
    if not upright:
        return _named(x, y, name, short, text_anchor="middle")
    return _named(x + 4, y, name, short, text_anchor="start", transform=f"rotate(-90 {number(x + 4)} {number(y)})")


def _named(x: float, y: float, name: str, short: str, **attributes: object) -> Markup:
    """A name that may be shortened, whole when pointed at."""
    return group(element("title", name), text(x, y, short, class_="tick", **{"text_anchor": "end", **attributes}))


def _cell(x: float, y: float, wide: float, high: float, count: float, share: float, names: tuple[str, str]) -> Markup:
    """Shaded by its share of the rows of the actual class, never so deep that its words are hard to read."""
    said = f"{figure(count)} rows of {names[0]!r} predicted {names[1]!r} ({share:.1%})"
    counted, class_ = _counted(count, wide)
    middle = y + high / 2 + (0 if high > 44 else 4)
    words = [text(x + wide / 2, middle, counted, class_=class_, text_anchor="middle")]
    if high > 44 and wide > 44:
        words.append(text(x + wide / 2, y + high / 2 + 17, f"{share:.1%}", class_="share", text_anchor="middle"))
    kind = "right" if names[0] == names[1] else "wrong"
    box = element(
        "rect",
        x=x + 1,
        y=y + 1,
        width=wide - 2,
        height=high - 2,
        rx=4,
        fill_opacity=0.06 + (_DEEPEST - 0.06) * share,
        class_=f"cell {kind}",
    )
    return group(element("title", said), box, *words)


def _counted(count: float, wide: float) -> tuple[str, str]:
    """A count as its cell has room for it, and the class of its size."""
    said = figure(count)
    if width_of(said, 15.0, bold=True) <= wide - 4:
        return said, "count"
    return (said if width_of(said, bold=True) <= wide - 4 else tick_figures([count])[0]), "count small"


def by_class(evaluation: Evaluation) -> Figure | None:
    """Precision and recall of each class, where there are more than two."""
    found = _Confusion.of(evaluation)
    names, rows = found.names, found.rows
    if len(names) < 3 or found.classes > _MOST_CLASSES:
        return None
    left, marks = 8.0 + _NAMES, []
    room = WIDTH - left - 58.0
    row = min(_HIGHEST, (HEIGHT - 20.0) / len(names))
    thick = row * 0.36
    for place, (name, short) in enumerate(zip(names, told_apart(names, _NAMES), strict=True)):
        right = rows[place][place]
        shares = (right / (sum(row[place] for row in rows) or 1.0), right / (found.sums[place] or 1.0))
        top = 10 + row * place
        marks.append(_named(left - 8, top + thick + 4, name, short))
        for series, (share, measure) in enumerate(zip(shares, ("precision", "recall"), strict=True)):
            length, middle = room * share, top + thick / 2 + 4 + (thick + 1) * series
            marks.append(
                group(
                    element("title", f"{name}: {measure} {share:.4f}"),
                    element("rect", x=left, y=top + (thick + 1) * series, width=length, height=thick, rx=2,
                            class_=f"bar series-{series}"),
                    text(left + length + 6, middle, f"{share:.1%}", class_="tick"),
                )
            )  # fmt: skip
    legend = (("series-0", "precision"), ("series-1", "recall"))
    drawing = picture(WIDTH, HEIGHT - 8, *marks, label="precision and recall of each class",
                      class_="chart")  # fmt: skip
    return Figure(
        "By class", "How many of the predicted are right, and how many of the class were found.", drawing, legend
    )
