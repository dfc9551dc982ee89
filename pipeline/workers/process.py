"""A worker's process, as its parent sees it: it is started, heard, asked over HTTP, and told to stop."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import structs

from pipeline.clock import Clock
from pipeline.settings import Settings
from pipeline.web.status import Status
from pipeline.workers.pipes import HOST, Changed, Ended, Order, Up, read_said, written

PROGRAM = (sys.executable, "-P", "-m", "pipeline.workers.child")
"""Without the working directory on the path: it may have a package `pipeline` of its own."""
EVERY = 1.0  # seconds from one look to the next
PATIENCE = 5.0  # seconds that an answer may take


class UnansweredError(RuntimeError):
    """The worker does not answer."""


class Seen(NamedTuple):
    """A worker at the last look.

    Attributes
    ----------
    at
        When that was; before the first, when it began to answer.
    metrics, status, trouble
        What it tells on `/metrics`, `/api/status` and `/healthz`; empty before the first look.
    """

    at: float
    metrics: str = ""
    status: Status | None = None
    trouble: str = ""


class WorkerProcess:
    """Started when it is made, by a thread that outlives it: the kernel ends it with that thread.

    Parameters
    ----------
    order
        What it is to do.
    clock
        The time.
    program
        What is run; the worker's number follows as argument, for whoever lists processes.

    Attributes
    ----------
    pid
        Its process id.
    seen
        How it was at the last look; None until it answers.
    up_at
        When it began to answer; None before.
    ended
        What it said as the last, if it came to an end by itself.
    code
        Its exit code, negative the signal that ended it; None while it runs.
    """

    def __init__(self, order: Order, clock: Clock, program: Sequence[str] = PROGRAM) -> None:
        self._clock = clock
        self._process = subprocess.Popen(
            [*program, str(order.number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(one or str(Path.cwd()) for one in sys.path)},
            process_group=0 if os.name == "posix" else None,  # Ctrl-C is for the parent, which passes it on
        )
        self.pid = self._process.pid
        self.seen: Seen | None = None
        self.up_at: float | None = None
        self.ended: Ended | None = None
        self.code: int | None = None
        self._port, token = 0, order.settings.web.token
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._tell(order)
        threading.Thread(target=self._listen, name=f"worker {order.number}", daemon=True).start()

    def _tell(self, message: Order | Changed) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended already: its exit code says so
            self._process.stdin.write(written(message))
            self._process.stdin.flush()

    def change(self, settings: Settings) -> None:
        """Have it take over what can change of these settings."""
        self._tell(Changed(settings=settings))

    def _listen(self) -> None:
        """Hear what it says, until its end."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(msgspec.DecodeError):  # cut short by its end
                self._hear(line)
        code = self._process.wait()
        self._over.set()
        with self._lock:
            self.code = code

    def _hear(self, line: bytes) -> None:
        match read_said(line):
            case Up(port):
                self._port, self.up_at = port, self._clock.now()
                self.seen = Seen(self.up_at)
                threading.Thread(target=self._look_on, name=f"look at {self.pid}", daemon=True).start()
            case Ended() as ended:
                with self._lock:
                    self.ended = ended
                    if self.seen is not None:
                        self.seen = self.seen._replace(metrics=ended.metrics)

    def _look_on(self) -> None:
        while not self._over.is_set():
            with suppress(UnansweredError):
                self._note(self._look())
            self._over.wait(EVERY)

    def _note(self, seen: Seen) -> None:
        """Unless it has ended meanwhile: then the last is known."""
        with self._lock:
            if self.ended is None and self.code is None:
                self.seen = seen

    def _look(self) -> Seen:
        _, metrics = self.ask("/metrics")
        _, status = self.ask("/api/status")
        code, health = self.ask("/healthz")
        trouble = "" if code == http.client.OK else msgspec.json.decode(health, type=_Health).reason
        return Seen(self._clock.now(), metrics.decode(), msgspec.json.decode(status, type=Status), trouble)

    def ask(self, path: str) -> tuple[int, bytes]:
        """The code and the body of its answer.

        Raises
        ------
        UnansweredError
            It does not answer within `PATIENCE`.
        """
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnansweredError(f"process {self.pid} does not answer: {error}") from error
        finally:
            connection.close()

    def stop(self) -> None:
        """Tell it to end after its cycle."""
        self._process.send_signal(signal.SIGTERM)


class _Health(msgspec.Struct):
    reason: str


class Starter:
    """Starts the workers of one parent.

    Parameters
    ----------
    settings
        Of all of them.
    version, rebuild
        What else they are told.
    clock
        The time.
    program
        What is run.

    Attributes
    ----------
    instance
        What their names in the group begin with: as set, else random. So a worker that is started again ends at once
        the transaction that the one before it left open; and with a name that was set, it has its partitions back.
    """

    def __init__(
        self, settings: Settings, version: str, rebuild: bool, clock: Clock, program: Sequence[str] = PROGRAM
    ) -> None:
        self._settings, self._version, self._rebuild = settings, version, rebuild
        self._clock, self._program = clock, program
        self.instance = settings.kafka.instance or uuid.uuid4().hex[:12]

    def change(self, settings: Settings) -> None:
        """Give these settings to all that are started from now on."""
        self._settings = settings

    def start(self, number: int, replaces: bool) -> WorkerProcess:
        """Start the worker of a number; whether it replaces one that may still be in the group."""
        return WorkerProcess(self._order(number, replaces), self._clock, self._program)

    def _order(self, number: int, replaces: bool) -> Order:
        kafka, instance = self._settings.kafka, f"{self.instance}-{number}"
        return Order(
            settings=structs.replace(
                self._settings, kafka=structs.replace(kafka, instance=instance if kafka.instance else "", workers=1)
            ),
            number=number,
            instance=instance,
            parent=os.getpid(),
            replaces=replaces,
            rebuild=self._rebuild,
            version=self._version,
        )
