"""A real browser, driven over a pipe: headless Chromium and its DevTools protocol, without any other package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One page of one browser; what it asks of the network and complains of is kept."""

    def __init__(self, profile: Path) -> None:
        program = next(
            (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
        )
        assert program, "these tests need Chromium: apt-get install chromium"
        there, self._commands = os.pipe()
        self._answers, here = os.pipe()
        # The browser reads commands from descriptor 3 and answers to 4.
        shell = f'exec 3<&{there} 4>&{here}; exec "$0" "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(there, here), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(there)
        os.close(here)
        self._last, self._rest, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self._tell(method, parameters)
        while (message := self._next()).get("id") != self._last:
            pass
        assert "error" not in message, message
        return dict(message["result"])

    def _tell(self, method: str, parameters: dict[str, Any]) -> None:
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        os.write(
            self._commands,
            json.dumps(command | ({"sessionId": self._session} if self._session else {})).encode() + b"\0",
        )

    def click(self, x: float, y: float) -> None:
        """Click on a place of the page; nobody answers for a frame that the click takes elsewhere."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            at = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self._tell("Input.dispatchMouseEvent", at)

    def open(self, page: Path | str, scheme: str, width: int = 1240) -> None:
        """Load a page in a colour scheme."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.send("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self, scale: float = 1.0) -> bytes:
        """The whole page as PNG."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": scale}
        found = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(found["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.send("Browser.close")
        self._process.wait(30)
        os.close(self._commands)
        os.close(self._answers)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._answers, 1 << 20)
            assert chunk, "the browser has ended"
            self._rest += chunk
        raw, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        facts = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif message.get("method") in {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}:
            self.complaints.append(json.dumps(facts))
        return message


def colours(png: bytes) -> list[tuple[bytes, int]]:
    """The colours of an 8-bit PNG with how many pixels have them, the most frequent first."""
    place, packed, width, channels = 8, b"", 0, 3
    while place < len(png):
        size, kind = int.from_bytes(png[place : place + 4], "big"), png[place + 4 : place + 8]
        content = png[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            width, channels = int.from_bytes(content[:4], "big"), {2: 3, 6: 4}[content[9]]
        packed += content if kind == b"IDAT" else b""
        place += 12 + size
    raw, stride = zlib.decompress(packed), width * channels
    before, counts = bytearray(stride), {}
    for start in range(0, len(raw), stride + 1):
        row = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before, channels)
        for pixel in range(0, stride, channels * 7):  # every seventh is enough
            key = bytes(row[pixel : pixel + 3])
            counts[key] = counts.get(key, 0) + 1
        before = row
    return sorted(counts.items(), key=lambda each: -each[1])


def _unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    """Undo one of the five filters of the PNG specification, section 9."""
    for place in range(len(row)):
        left = row[place - step] if place >= step else 0
        corner = above[place - step] if place >= step else 0
        up = above[place]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        elif kind == 4:
            estimate = left + up - corner
            guess = min((left, up, corner), key=lambda value: abs(estimate - value))
        else:
            return row
        row[place] = (row[place] + guess) & 255
    return row
