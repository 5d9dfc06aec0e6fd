"""The model card: Markdown to HTML. Raw HTML, links and images in it stay text."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from fluentpipe.report.svg import clean

_LONGEST = 200_000  # characters


@lru_cache(maxsize=16)
def render(markdown: str) -> Markup:
    """HTML of a card; headings begin two levels down, for they stand under the page's own."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("zero").enable(["heading", "list", "table", "backticks", "emphasis", "fence", "hr", "escape"])
    tokens = reader.parse(str(clean(markdown[:_LONGEST])))
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1:]) + 2)}"
        token.attrs = {}  # alignment of cells comes as style attributes, which the page's policy refuses
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704 - the "zero" preset passes no HTML through
