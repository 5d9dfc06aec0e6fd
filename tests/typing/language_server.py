"""A session with pyright's language server over its standard input and output."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


class Session:
    """One editor with one folder open.

    Args:
        server: The program `pyright-langserver`.
        folder: What the editor has open.
        python: Interpreter of the environment that has fluentpipe.
    """

    def __init__(self, server: Path, folder: Path, python: Path) -> None:
        self._process = subprocess.Popen(
            [str(server), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._python = str(python)
        self._folder = folder
        self._number = 0
        root = folder.as_uri()
        capabilities = {"workspace": {"configuration": True, "workspaceFolders": True}}
        folders = [{"uri": root, "name": "project"}]
        self.ask("initialize", processId=None, rootUri=root, capabilities=capabilities, workspaceFolders=folders)
        self._send({"method": "initialized", "params": {}})

    def complete(self, name: str, text: str) -> set[str]:
        """What is offered at the end of a text."""
        place = self._opened(name, text)
        answer = self.ask("textDocument/completion", **place)
        return {item["label"] for item in answer["items"]}

    def signature(self, name: str, text: str) -> str:
        """The signature shown at the end of a text."""
        answer = self.ask("textDocument/signatureHelp", **self._opened(name, text))
        label: str = answer["signatures"][0]["label"]
        return label

    def close(self) -> None:
        """End the session and the server."""
        self.ask("shutdown")
        self._send({"method": "exit"})
        self._process.communicate(timeout=30)

    def _opened(self, name: str, text: str) -> dict[str, Any]:
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        lines = text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        return {"textDocument": {"uri": uri}, "position": position}

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request; serve what the server asks in between; give the answer."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": self._answer(message)})

    def _answer(self, message: dict[str, Any]) -> Any:
        """The editor's settings; nothing else is asked for that matters."""
        if message["method"] == "workspace/configuration":
            settings = {"python": {"pythonPath": self._python}}
            return [settings.get(item.get("section", ""), {}) for item in message["params"]["items"]]
        return None

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
