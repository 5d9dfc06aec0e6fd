"""The report in the frame of a notebook, in a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fluentpipe.report import write_report
from fluentpipe.run.result import Shown

from .browser import Browser, colours
from .folders import whole

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@contextmanager
def served(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """A page over HTTP: its address, and the paths that were asked for."""
    asked: list[str] = []

    class Notebook(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Notebook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notebook", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_link_in_the_frame_leads_to_its_part_and_never_to_the_notebook(tmp_path) -> None:
    report = write_report(whole(tmp_path / "run"))
    frame = Shown(report, 700)._repr_html_()
    content = f'<!doctype html><meta charset="utf-8"><body style="margin:0">{frame}</body>'
    browser, deadline = Browser(tmp_path / "profile"), time.monotonic() + 30
    with served(content.encode()) as (address, asked):
        try:
            browser.open(report, "light")  # laid out the same, and can be asked, which a sealed frame cannot
            where = (
                "(box => [box.x + 5, box.y + 5])(document.querySelector('a[href=\"#graph\"]').getBoundingClientRect())"
            )
            place = browser.ask(where)
            browser.complaints.clear()
            browser.open(address, "light")
            while len(colours(browser.picture(scale=0.5))) <= 50:  # a frame is drawn after its page
                assert time.monotonic() < deadline
            browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
            time.sleep(0.3)  # the link is darker then
            before = browser.picture(scale=0.5)
            browser.click(*place)
            while browser.picture(scale=0.5) == before and asked.count("/notebook") == 1:
                assert time.monotonic() < deadline
            time.sleep(2)  # for a request, were there one
        finally:
            browser.close()
        assert asked.count("/notebook") == 1
        assert not [said for said in browser.complaints if "favicon" not in said]
