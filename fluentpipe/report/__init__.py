"""The report of a run: one HTML page that needs nothing else.

    from fluentpipe.report import write_report
    write_report(run.path)

The flow, one module each: `evidence` reads the folder of the run, `gates` what the pipeline requires, `sections`
says it in words, `quality`, `bars` and `graph` draw it (`chart`, `boxes` and `svg` below them), `page` puts it together.
"""

from __future__ import annotations

from pathlib import Path

NAME = "report.html"


def write_report(folder: Path) -> Path:
    """Write the page of a run into its folder, whole or not at all; returns its path."""
    from fluentpipe.report.evidence import Evidence
    from fluentpipe.report.page import render

    page = folder / NAME
    temporary = page.with_name(f".tmp-{NAME}")
    try:
        temporary.write_text(render(Evidence.of(folder)), encoding="utf-8", errors="replace")
        return temporary.replace(page)
    finally:
        temporary.unlink(missing_ok=True)
