"""The instances of one training job: who they are, how they meet, and that the end of one is the end of all.

The first instance (by name, as SageMaker sorts them) waits for the others on a port. The connections stay open until all are
done. Whoever fails says why, and the first passes it on; whoever dies is noticed by its silence. In either case every instance
ends at once, with the reason in its failure file: a training that lacks one of its instances can never finish.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING or __package__:
    from . import job
    from .peers import BEAT, Gone, Peer
else:  # beside its siblings, as the jobs run it
    import job
    from peers import BEAT, Gone, Peer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PORT = 9199  # where the first instance waits; FLUENTPIPE_CLUSTER_PORT moves it
JOIN_SECONDS = 900.0  # for all to come, who download their data first; FLUENTPIPE_CLUSTER_WAIT changes it
HELLO_SECONDS = 10.0
RETRY_SECONDS = 0.2


@dataclass
class Cluster:
    """The instances of the job, and the connections of this one to others; of one instance it does nothing."""

    hosts: tuple[str, ...]  # names, sorted
    current: str
    _peers: list[Peer] = field(default_factory=list)  # of the first: all others; of another: the first
    _inbox: queue.Queue[tuple[str, dict[str, Any]]] = field(default_factory=queue.Queue)
    _readers: list[threading.Thread] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _ending: threading.Lock = field(default_factory=threading.Lock)

    @property
    def size(self) -> int:
        """Number of instances."""
        return len(self.hosts)

    @property
    def rank(self) -> int:
        """Place of this one among them."""
        return self.hosts.index(self.current)

    @property
    def is_first(self) -> bool:
        """Whether this instance writes the model."""
        return self.rank == 0

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message to the first instance; from that to all others."""
        for peer in tuple(self._peers):
            peer.send(message)

    def hear(self) -> tuple[str, dict[str, Any]]:
        """The next message, and who sent it; a sender that ends before ends this program, too."""
        return self._inbox.get()

    def address(self) -> str:
        """IPv4 address of this instance, by which the others know it."""
        return _resolved(self.current, time.monotonic())

    def meet(self) -> None:
        """Connect this instance to the others; none goes on before all are there, so that each hears of what happens to another.

        Raises:
            JobError: Not all came in time.
        """
        patience = float(os.environ.get("FLUENTPIPE_CLUSTER_WAIT", JOIN_SECONDS))
        threading.Thread(target=self._beat, daemon=True).start()
        if self.is_first:
            self._await_others(patience)
            self.tell({"met": True})
        else:
            self._join_first(patience)
            self.hear()
        print(f"instance {self.rank + 1} of {self.size} ({self.current}): all are there", flush=True)

    def _await_others(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        waited = set(self.hosts) - {self.current}
        with socket.create_server((_resolved(self.current, deadline), _port()), backlog=self.size) as listener:
            while waited:
                listener.settimeout(max(deadline - time.monotonic(), 0.001))
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    late = job.quoted(sorted(waited))
                    msg = f"{late} did not come to {self.current}, port {_port()}, within {patience:g} s. {_HINT}"
                    raise job.JobError(msg) from None
                self._welcome(Peer(connection), waited)

    def _welcome(self, newcomer: Peer, waited: set[str]) -> None:
        """Take a newcomer in if it is one of those that are waited for."""
        newcomer.name = _hello(newcomer)
        if newcomer.name in waited:
            waited.discard(newcomer.name)
            self._follow(newcomer)
        else:
            newcomer.send({"failed": f"{self.current} does not wait for an instance {newcomer.name!r}"})
            newcomer.close()

    def _join_first(self, patience: float) -> None:
        first, reason, deadline = self.hosts[0], "", time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                connection = socket.create_connection((first, _port()), timeout=HELLO_SECONDS)
            except OSError as fault:
                reason = str(fault)
                time.sleep(RETRY_SECONDS)
                continue
            peer = Peer(connection, first)
            peer.send({"host": self.current, "job": _job_name()})
            self._follow(peer)
            return
        msg = f"{first}, port {_port()}, could not be reached within {patience:g} s ({reason}). {_HINT}"
        raise job.JobError(msg)

    def _follow(self, peer: Peer) -> None:
        self._peers.append(peer)
        reader = threading.Thread(target=self._read, args=(peer,), daemon=True)
        self._readers.append(reader)
        reader.start()

    def _read(self, peer: Peer) -> None:
        try:
            while "done" not in (message := peer.receive()):
                if "failed" in message:
                    self._end(str(message["failed"]))
                self._inbox.put((peer.name, message))
        except Gone as fault:
            self._end(f"{peer.name} {fault} before the training was done; its own log may say why")

    def _beat(self) -> None:
        while not self._done.wait(BEAT):
            self.tell({"alive": True})

    def part(self) -> None:
        """Take leave of the others, whose failure until their end is still noticed."""
        self.tell({"done": True})
        for reader in self._readers:
            reader.join()
        self._done.set()
        for peer in self._peers:
            peer.close()

    def fail(self, fault: BaseException) -> NoReturn:
        """Tell the others why this instance ends, and end."""
        known = isinstance(fault, job.JobError)
        if not known:
            traceback.print_exception(type(fault), fault, fault.__traceback__)
        reason = str(fault) if known else f"{type(fault).__name__}: {str(fault).splitlines()[0] if str(fault) else ''}"
        self._end(reason, f"{self.current}: {reason}")

    def _end(self, reason: str, told: str = "") -> NoReturn:
        """End this program, in whatever XGBoost is waiting; an ordinary exit would wait for the others, too."""
        with self._ending:  # for good
            self.tell({"failed": (told or reason)[: job.REASON_LIMIT]})
            job.tell_reason(reason, "failure")
            os._exit(1)


@contextmanager
def of_job() -> Iterator[Cluster]:
    """The instances of this job, connected; whatever ends one of several of them ends all.

    Raises:
        JobError: resourceconfig.json is damaged. Once there are several, faults end the program here.
    """
    cluster = _declared()
    if cluster.size == 1:
        yield cluster
        return
    try:
        cluster.meet()
        yield cluster
        cluster.part()
    except BaseException as fault:  # noqa: BLE001  whatever ends one, an interrupt too, ends all
        cluster.fail(fault)


def _declared() -> Cluster:
    """As `/opt/ml/input/config/resourceconfig.json` says; without it there is one instance."""
    file = job.base_dir() / "input" / "config" / "resourceconfig.json"
    if not file.is_file():
        return Cluster(("this machine",), "this machine")
    found = job.read_json(file)
    hosts, current = found.get("hosts"), found.get("current_host")
    if isinstance(hosts, list) and isinstance(current, str) and current in hosts:
        return Cluster(tuple(sorted({str(host) for host in hosts})), current)
    msg = f"{file} does not name the instances of the job, this one among them"
    raise job.JobError(msg)


_HINT = (
    "Its log says if it failed. If its data take longer, give environment={'FLUENTPIPE_CLUSTER_WAIT': '3600'}. In a VPC the security "
    "group must let its members connect to each other, on all TCP ports"
)


def _port() -> int:
    return int(os.environ.get("FLUENTPIPE_CLUSTER_PORT", PORT))


def _job_name() -> str:
    return os.environ.get("TRAINING_JOB_NAME", "")


def _hello(newcomer: Peer) -> str:
    """The name that a newcomer gives, if it is of this job."""
    try:
        said = newcomer.receive(HELLO_SECONDS)
    except Gone:
        return ""
    return str(said.get("host")) if said.get("job") == _job_name() else f"{said.get('host')} of another job"[:100]


def _resolved(host: str, deadline: float) -> str:
    """The IPv4 address, as XGBoost's tracker has it, of this instance, whose name may become known a moment after its start."""
    while True:
        with suppress(OSError):
            return socket.gethostbyname(host)
        if time.monotonic() > deadline:
            msg = f"the name {host!r} of this instance has no address"
            raise job.JobError(msg)
        time.sleep(RETRY_SECONDS)
