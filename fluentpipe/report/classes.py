"""Which classes are taken for which, drawn: the confusion matrix, and precision and recall of each class."""

from __future__ import annotations

from markupsafe import Markup

from fluentpipe.report.chart import HEIGHT, Figure, figure
from fluentpipe.report.evidence import Evaluation, finite, mapping
from fluentpipe.report.svg import element, group, number, picture, shortened, text

_MOST_CLASSES = 12  # in one drawing
_HIGHEST = 64.0  # pixels of a class

Matrix = list[list[float]]  # rows by actual class, then by predicted class


def _matrix(evaluation: Evaluation) -> tuple[list[str], Matrix, int]:
    """Names and counts of the first classes, and how many classes there are; no names without a usable matrix."""
    sections = [mapping(each) for each in evaluation.report.values()]
    table = next((mapping(each["confusion_matrix"]) for each in sections if "confusion_matrix" in each), {})
    names = [str(name) for name in table][:_MOST_CLASSES]
    rows = [[finite(mapping(table[name]).get(other)) or 0.0 for other in names] for name in names]
    usable = len(names) > 1 and all(count >= 0 for row in rows for count in row)
    return (names if usable else []), rows, len(table)


def confusion(evaluation: Evaluation) -> Figure | None:
    """Rows by their actual class and the one predicted."""
    names, rows, classes = _matrix(evaluation)
    if not names:
        return None
    left, top, side = 92.0, 34.0, min(125.0, (HEIGHT - 60.0) / len(names))
    wide = min(150.0, 316.0 / len(names))
    marks = [text(left + wide * len(names) / 2, 12, "predicted", class_="axis", text_anchor="middle")]
    for place, name in enumerate(names):
        short = shortened(name, max(3, int(wide / 7)))
        marks.append(text(left + wide * (place + 0.5), 28, short, class_="tick", text_anchor="middle"))
        middle = top + side * (place + 0.5)
        marks.append(text(left - 8, middle + 4, shortened(name, 12), class_="tick", text_anchor="end"))
        for other, count in enumerate(rows[place]):
            share = count / (sum(rows[place]) or 1.0)
            marks.append(_cell(left + wide * other, top + side * place, wide, side, count, share, (name, names[other])))
    lowest = top + side * len(names)
    marks.append(text(12, (top + lowest) / 2, "actual", class_="axis", text_anchor="middle",
                      transform=f"rotate(-90 12 {number((top + lowest) / 2)})"))  # fmt: skip
    threshold = finite(evaluation.report.get("threshold"))
    note = (
        "" if threshold is None else f"At the threshold {threshold:.4f}, the one with the highest F1 on held-out rows"
    )
    cut = f"; the first {_MOST_CLASSES} classes" if classes > _MOST_CLASSES else ""
    drawing = picture(420.0, max(lowest + 8, HEIGHT - 8), *marks, label="confusion matrix", class_="chart")
    return Figure("Confusion", (note or "Rows by their class and the one predicted") + cut, drawing)


def _cell(x: float, y: float, wide: float, high: float, count: float, share: float, names: tuple[str, str]) -> Markup:
    """Shaded by its share of the rows of the actual class; the words turn light on dark shades."""
    said = f"{figure(count)} rows of {names[0]!r} predicted {names[1]!r} ({share:.1%})"
    on = "on-dark" if share > 0.55 else ""
    words = [
        text(
            x + wide / 2,
            y + high / 2 + (0 if high > 44 else 4),
            figure(count),
            class_=f"count {on}",
            text_anchor="middle",
        )
    ]
    if high > 44 and wide > 44:
        words.append(text(x + wide / 2, y + high / 2 + 17, f"{share:.1%}", class_=f"share {on}", text_anchor="middle"))
    kind = "right" if names[0] == names[1] else "wrong"
    box = element(
        "rect",
        x=x + 1,
        y=y + 1,
        width=wide - 2,
        height=high - 2,
        rx=4,
        fill_opacity=0.06 + 0.84 * share,
        class_=f"cell {kind}",
    )
    return group(element("title", said), box, *words)


def by_class(evaluation: Evaluation) -> Figure | None:
    """Precision and recall of each class, where there are more than two."""
    names, rows, classes = _matrix(evaluation)
    if len(names) < 3 or classes > _MOST_CLASSES:
        return None
    left, room, marks = 92.0, 270.0, []
    row = min(_HIGHEST, (HEIGHT - 20.0) / len(names))
    thick = row * 0.36
    for place, name in enumerate(names):
        right = rows[place][place]
        shares = (right / (sum(row[place] for row in rows) or 1.0), right / (sum(rows[place]) or 1.0))
        top = 10 + row * place
        marks.append(text(left - 8, top + thick + 4, shortened(name, 12), class_="tick", text_anchor="end"))
        for series, (share, measure) in enumerate(zip(shares, ("precision", "recall"), strict=True)):
            marks.append(
                group(
                    element("title", f"{name}: {measure} {share:.4f}"),
                    element("rect", x=left, y=top + (thick + 1) * series, width=room * share, height=thick, rx=2,
                            class_=f"bar series-{series}"),
                    text(left + room * share + 6, top + thick / 2 + 4 + (thick + 1) * series, f"{share:.1%}", class_="tick"),
                )
            )  # fmt: skip
    legend = (("series-0", "precision"), ("series-1", "recall"))
    drawing = picture(420.0, HEIGHT - 8, *marks, label="precision and recall of each class",
                      class_="chart")  # fmt: skip
    return Figure(
        "By class", "How many of the predicted are right, and how many of the class were found.", drawing, legend
    )
