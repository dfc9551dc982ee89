"""The demo: the real daemon on an embedded broker, fed and watched, then summed up."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

import msgspec
from msgspec import structs
from rich.console import Console

from pipeline.cluster import Writer, create_topics
from pipeline.demo_view import Moment, view
from pipeline.embedded import EmbeddedBroker, free_port, is_free
from pipeline.feed import built_in
from pipeline.files.file_options import FileOptions
from pipeline.files.tables import survey
from pipeline.files.telling import told_of
from pipeline.messages import Outgoing
from pipeline.monitoring import PORT, Monitoring
from pipeline.replay import Form, paced
from pipeline.settings import PREFIX, Settings, to_toml
from pipeline.summary import Summary, sum_up
from pipeline.web.status import Status

PATIENCE = 90.0  # seconds without progress before the demo gives up
LOOK = 0.5  # seconds between two looks at the daemon
TOGETHER = 0.02  # seconds: events that are due in so short a time are sent together


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Plan(msgspec.Struct, frozen=True):
    """What to show.

    Attributes
    ----------
    csv
        File to replay in place of the built-in data.
    options
        How it is written, and which column is what.
    rate
        Events a second.
    seconds
        How long to replay; 0: until told to stop, or to the end of the data.
    port
        Of the live page; 0: any free one.
    monitoring
        Whether a Prometheus and an Alertmanager watch the daemon.
    """

    csv: Path | None
    options: FileOptions
    rate: float
    seconds: float
    port: int
    monitoring: bool = False


def run_demo(plan: Plan, console: Console) -> Summary:
    """Play the whole thing; Ctrl-C ends it early, with its summary.

    Raises
    ------
    DemoError
        When the daemon dies or gets stuck.
    """
    records = built_in() if plan.csv is None else _of_file(plan.csv, plan.options, console)
    with tempfile.TemporaryDirectory(prefix="lstm-stream-demo-") as folder, _stopping() as stop:
        console.print("starting a broker and the daemon ...")
        with EmbeddedBroker() as broker:
            settings = _settings(broker, plan, Path(folder))
            create_topics(settings)
            with _Daemon(settings, Path(folder)) as daemon, ExitStack() as stack:
                if plan.monitoring:
                    monitoring = stack.enter_context(_monitoring(settings, Path(folder)))
                    for line in _told_of(monitoring):
                        console.print(line, highlight=False, soft_wrap=True)
                daemon.wait_until(lambda status: status.state == "ready", "has its partitions", stop)
                played = _play(plan, records, settings, daemon, console, stop)
            console.print("reading the topics back ...")
            return sum_up(settings, played.seconds, played.status)


def _monitoring(settings: Settings, folder: Path) -> Monitoring:
    port = PORT if is_free(PORT) else 0
    return Monitoring(f"{settings.web.host}:{settings.web.port}", folder / "monitoring", port=port)


def _told_of(monitoring: Monitoring) -> Iterator[str]:
    yield f"Prometheus is at {monitoring.url}, Alertmanager at {monitoring.alertmanager_url}"
    yield f"each alert's state: lstm-stream alerts --prometheus {monitoring.url}"


def _of_file(path: Path, options: FileOptions, console: Console) -> Iterator[Outgoing]:
    form = Form(Settings().events)
    table = survey(path, form.fields, options)
    for line in told_of(table):
        console.print(line, highlight=False, soft_wrap=True)
    return map(form.record, table.events())


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one has its usual effect."""
    stop = threading.Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(kind) for kind in kinds]

    def first(_: int, __: FrameType | None) -> None:
        stop.set()
        restore()

    def restore() -> None:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)

    for kind in kinds:
        signal.signal(kind, first)
    try:
        yield stop
    finally:
        restore()


def _settings(broker: EmbeddedBroker, plan: Plan, folder: Path) -> Settings:
    defaults = broker.settings_for(Settings())
    return structs.replace(
        defaults,
        kafka=structs.replace(defaults.kafka, partitions=2),
        checkpoints=structs.replace(defaults.checkpoints, url=str(folder / "checkpoints")),
        web=structs.replace(defaults.web, port=plan.port or free_port()),
    )


class _Daemon:
    """The real daemon, in a process of its own, from ``with`` to the end of its block.

    Parameters
    ----------
    settings
        Its settings.
    folder
        Where to put its settings file and its log.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.page = f"http://{settings.web.host}:{settings.web.port}"
        self._file, self._log = folder / "lstm-stream.toml", folder / "daemon.log"
        self._file.write_text(to_toml(settings, mask=False))

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "pipeline", "run", "-c", str(self._file)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        return self

    def status(self) -> Status | None:
        """What it says of itself; None while it does not answer.

        Raises
        ------
        DemoError
            When it has died.
        """
        if self._process.poll() is not None:
            raise DemoError(f"the daemon ended with code {self._process.returncode}; its last words:\n{self._tail()}")
        try:
            with urllib.request.urlopen(f"{self.page}/api/status", timeout=5) as answer:
                return msgspec.json.decode(answer.read(), type=Status)
        except OSError:
            return None

    def wait_until(self, condition: Callable[[Status], bool], what: str, stop: threading.Event) -> Status:
        """Look until a condition holds.

        Raises
        ------
        DemoError
            When it dies, `stop` is set, or its observations do not move for `PATIENCE` seconds.
        """
        moved, seen = time.monotonic(), -1
        while True:
            status = self.status()
            if status is not None and condition(status):
                return status
            if stop.is_set():
                raise DemoError("stopped before there was anything to sum up")
            if status is not None and status.observations != seen:
                moved, seen = time.monotonic(), status.observations
            if time.monotonic() - moved > PATIENCE:
                raise DemoError(
                    f"waited {PATIENCE:.0f} s in vain until the daemon {what}; its last words:\n{self._tail()}"
                )
            time.sleep(LOOK / 5)

    def end(self) -> None:
        """Ask it to end, and wait until it has.

        Raises
        ------
        DemoError
            When it does not end well.
        """
        self._process.terminate()
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise DemoError(f"the daemon does not end; its last words:\n{self._tail()}") from None
        if code != 0:
            raise DemoError(f"the daemon ended with code {code}; its last words:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:]) or "(none)"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


class _Sender:
    """Writes events at a rate, from a thread of its own, until they end, the time is up, or `stop` is set."""

    def __init__(self, settings: Settings, plan: Plan, stop: threading.Event) -> None:
        self._settings, self._plan, self._stop = settings, plan, stop
        self.sent = 0

    def send(self, records: Iterable[Outgoing]) -> None:
        end = time.monotonic() + (self._plan.seconds or math.inf)
        (topic,) = self._settings.kafka.inputs
        with Writer(self._settings, topic) as writer:
            due = partial(_due, self._plan.rate)
            for event in paced(records, due, sleep=self._stop.wait, least=TOGETHER):
                if self._stop.is_set() or time.monotonic() >= end:
                    return
                writer.write(event)
                self.sent += 1


def _due(rate: float, index: int, _: Outgoing) -> float:
    return index / rate


class Played(NamedTuple):
    """How it went: seconds from the first event to the last forecast, and what the daemon said then."""

    seconds: float
    status: Status


def _play(
    plan: Plan,
    records: Iterable[Outgoing],
    settings: Settings,
    daemon: _Daemon,
    console: Console,
    stop: threading.Event,
) -> Played:
    sender = _Sender(settings, plan, stop)
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool, view(console) as show:
        sending = pool.submit(sender.send, records)
        try:
            while not sending.done():
                show(Moment(daemon.page, time.monotonic() - started, plan.seconds, sender.sent, daemon.status()))
                wait([sending], LOOK)
            sending.result()
        finally:
            stop.set()
        show(Moment(daemon.page, time.monotonic() - started, plan.seconds, sender.sent, daemon.status()))
        status = daemon.wait_until(
            lambda status: status.observations >= sender.sent, "has caught up", threading.Event()
        )
        seconds = time.monotonic() - started
        show(Moment(daemon.page, seconds, plan.seconds, sender.sent, status))
    daemon.end()
    return Played(seconds, status)
