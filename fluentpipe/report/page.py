"""The page: evidence to one HTML file that needs nothing else, runs nothing and asks nobody."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from fluentpipe.report import origin, sections, trials
from fluentpipe.report.evidence import Evidence
from fluentpipe.report.gates import decisions, requirements
from fluentpipe.report.graph import style as graph_style
from fluentpipe.report.svg import clean

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")


@lru_cache(maxsize=1)
def _style() -> str:
    return graph_style() + (_HERE / "report.css").read_text(encoding="utf-8")


def policy(style: str) -> str:
    """The content security policy of a page with one style sheet: that sheet, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def render(evidence: Evidence) -> str:
    """The whole page."""
    style, required = _style(), requirements(evidence)
    document = json.dumps(evidence.document, sort_keys=True, separators=(",", ":"))
    facts: dict[str, Any] = {
        "run": sections.heading(evidence),
        "graph": sections.drawing(evidence),
        "required": required,
        "decided": decisions(evidence),
        "warnings": sections.warnings(evidence),
        "evaluations": sections.evaluations(evidence, required),
        "searches": [trials.search(step, table) for step, table in evidence.searches],
        "models": [sections.model(each, evidence) for each in evidence.models],
        "data": [sections.data(step, schema) for step, schema in evidence.schemas],
        "steps": sections.steps(evidence),
        "settings": origin.settings(evidence),
        "lineage": origin.lineage(evidence, hashlib.sha256(document.encode()).hexdigest()),
        "style": Markup(style),  # noqa: S704 - two files of this package
        "policy": Markup(policy(style)),  # noqa: S704 - a hash and our own words
    }
    return _template().render(facts)
