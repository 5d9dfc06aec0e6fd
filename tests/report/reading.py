"""Reads a page as a strict browser would: what stands in it, and what it may never hold."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

EMPTY = {"meta", "br", "hr", "img", "input", "link"}
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "footer", "div", "p", "span",
    "h1", "h2", "h3", "h4", "h5", "h6", "a", "b", "i", "em", "strong", "small", "ul", "ol", "li", "dl", "dt", "dd", "table",
    "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details", "summary", "pre", "code", "hr",
    "svg", "g", "rect", "circle", "line", "polyline", "polygon", "path", "text",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "role", "aria-label", "xmlns", "viewbox", "width",
    "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "d", "points", "transform", "text-anchor", "fill-opacity",
}  # fmt: skip


class Page(HTMLParser):
    """Collects the tags, attributes and words of a page; asserts that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.style = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    @property
    def said(self) -> str:
        """Everything that can be read, spaces joined."""
        return re.sub(r"\s+", " ", " ".join(self.words))


def check(text: str) -> Page:
    """Assert what holds for every page, and return it."""
    page = Page(text)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]", text)
    assert page.tags <= TAGS, page.tags - TAGS
    assert {name for _, name, _ in page.attributes} <= ATTRIBUTES
    for tag, name, value in page.attributes:
        if name == "href":
            assert (tag, value[:1]) == ("a", "#")
        if name == "xmlns":
            assert value == "http://www.w3.org/2000/svg"
    policies = [value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "src" in value]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert not re.search(r"url\(|@import|expression\(", page.style)
    for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(drawing)
    return page
