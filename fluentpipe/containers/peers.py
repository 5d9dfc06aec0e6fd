"""Talk with another instance of a training job: JSON objects, a line each, over a TCP connection that also tells who lives.

Nothing that arrives is executed: a message is at most 16 KiB of JSON. Every few seconds both ends say that they are alive; one
that is silent for too long, or hangs up before it said that it is done, is gone.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 16 * 1024  # bytes of one message
BEAT = 5.0  # seconds between two signs of life
SILENCE = 120.0  # seconds without any, after which a peer is gone; a read of data may hold it up for a while


class Gone(Exception):
    """The other end hung up, fell silent, or does not speak our language; says which of them."""


class Peer:
    """The connection to one other instance. Threads may send at the same time; one alone receives."""

    def __init__(self, connection: socket.socket, name: str = "") -> None:
        self.name = name
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; whoever receives notices when the other end is gone, so that is no error here."""
        line = json.dumps(message).encode() + b"\n"
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(line)

    def receive(self, patience: float = SILENCE) -> dict[str, Any]:
        """The next message that is more than a sign of life.

        Args:
            patience: Seconds that the other end may be silent.

        Raises:
            Gone: None will come.
        """
        self._connection.settimeout(patience)
        while True:
            try:
                line = self._stream.readline(LONGEST + 1)
            except TimeoutError:
                msg = f"was silent for {patience:g} s"
                raise Gone(msg) from None
            except OSError:  # such as a reset
                line = b""
            message = _parsed(line)
            if "alive" not in message:
                return message

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._stream.close()
        self._connection.close()


def _parsed(line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n") and len(line) <= LONGEST:  # also half a line is what the dying say
        msg = "hung up"
        raise Gone(msg)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        msg = "sent something that is no message of this program"
        raise Gone(msg)
    return found
