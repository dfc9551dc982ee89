"""The demo: the real daemon on an embedded broker, fed with real and generated series, its books checked."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle, islice, pairwise
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

import msgspec
import numpy as np
from msgspec import structs
from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid
from river import datasets

from lstm_stream import Observation
from pipeline.cluster import Writer, create_topics, read_topic
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.fleet import Fleet
from pipeline.messages import Decoder, ForecastMessage, Outgoing, decode_forecast
from pipeline.replay import Form, paced
from pipeline.settings import PREFIX, Settings, to_toml
from pipeline.status import Status
from pipeline.tables import survey

RATE = 300.0  # events a second that two ordinary cores keep up with
PATIENCE = 90.0  # seconds without progress before the demo gives up
LOOK = 0.5  # seconds between two looks at the daemon
PLAIN_LOOK = 5.0  # the same where there is no terminal
WATER, AIRLINE = "river/water-flow", "river/airline-passengers"
WATER_A_STEP = 4  # rows of water flow to one of the fleet: it is through in half a minute

BAD_EVERY, LATE_EVERY, REPEATED_EVERY = 487, 211, 307  # records from one such record to the next
BAD = tuple(
    Outgoing(key, value)
    for key, value in (
        (b"bad", b"not JSON"),
        (b"bad", b'{"series": "fleet/00", "timestamp": "yesterday", "value": 1}'),
        (b"bad", b'{"series": "fleet/01", "timestamp": "2000-01-03T00:00:00Z", "value": true}'),
        (None, b'{"timestamp": "2000-01-03T00:00:00Z", "value": 3}'),
        (b"bad", b'{"series": "fleet/02", "timestamp": "2000-01-03T00:00:00Z", "value": NaN}'),
        (b"bad", b""),
    )
)


class DemoError(Exception):
    """The demo cannot go on, or its books do not balance; the message says why."""


class Plan(msgspec.Struct, frozen=True):
    """What to show.

    Attributes
    ----------
    csv
        File to replay in place of the built-in data.
    rate
        Events a second.
    seconds
        How long to replay; 0: until told to stop, or to the end of the data.
    port
        Of the live page; 0: any free one.
    """

    csv: Path | None = None
    rate: float = RATE
    seconds: float = 60.0
    port: int = 0


class Summary(msgspec.Struct, frozen=True):
    """What came of it: counts of the topics read back, and the forecasts' skill.

    Attributes
    ----------
    events
        Observations in the input topic, bad ones included.
    forecasts, dead_letters
        Records in their topics, with read_committed.
    late, repeated
        Observations that the daemon left out, by its own count.
    skill_vs_last_value
        1 - MAE / MAE of last value, one step ahead, each series by its own standard deviation.
    skill_real, skill_fleet
        The same of the real and of the generated series alone; None where there are none.
    seconds
        From the first event to the last forecast.
    events_per_second
        Over that time.
    """

    events: int
    forecasts: int
    dead_letters: int
    late: int
    repeated: int
    skill_vs_last_value: float | None
    skill_real: float | None
    skill_fleet: float | None
    seconds: float
    events_per_second: float

    def check(self) -> None:
        """Raise DemoError unless every event came to exactly one end."""
        accounted = self.forecasts + self.dead_letters + self.late + self.repeated
        if accounted != self.events:
            raise DemoError(f"{self.events} events came to {accounted} ends: {msgspec.json.encode(self).decode()}")

    def table(self) -> Grid:
        """For people."""
        grid = Grid(title="What came of it (topics read back, read_committed)", title_justify="left", show_header=False)
        grid.add_column()
        grid.add_column(justify="right")
        grid.add_column()
        grid.add_row("events", f"{self.events:,}", "in the input topic")
        grid.add_row("= forecasts", f"{self.forecasts:,}", "one for each good event")
        grid.add_row("+ dead letters", f"{self.dead_letters:,}", "bad records, kept with the reason")
        grid.add_row("+ late", f"{self.late:,}", "older than the series' last event: left out")
        grid.add_row("+ repeated", f"{self.repeated:,}", "seen before: left out")
        grid.add_section()
        grid.add_row("skill", _percent(self.skill_vs_last_value), "less error than last value, one step ahead")
        if self.skill_fleet is not None:
            grid.add_row("  real series", _percent(self.skill_real), "water flow, airline passengers")
            grid.add_row("  fleet", _percent(self.skill_fleet), "50 generated series with drift and level shifts")
        grid.add_section()
        grid.add_row("events/s", f"{self.events_per_second:,.0f}", f"over {self.seconds:.1f} s")
        return grid


def _percent(skill: float | None) -> str:
    return "-" if skill is None else f"{100 * skill:.1f} %"


def run_demo(plan: Plan, console: Console) -> Summary:
    """Play the whole thing; Ctrl-C ends it early, with its summary.

    Raises
    ------
    DemoError
        When the daemon dies or gets stuck.
    """
    records = built_in() if plan.csv is None else from_csv(plan.csv)
    with tempfile.TemporaryDirectory(prefix="lstm-stream-demo-") as folder, _stopping() as stop:
        console.print("starting a broker and the daemon ...")
        with EmbeddedBroker() as broker:
            settings = _settings(broker, plan, Path(folder))
            create_topics(settings)
            with _Daemon(settings, Path(folder)) as daemon:
                daemon.wait_until(lambda status: status.state == "ready", "has its partitions", stop)
                played = _play(plan, records, settings, daemon, console, stop)
            console.print("reading the topics back ...")
            return _summed_up(settings, played)


def built_in() -> Iterator[Outgoing]:
    """Water flow and airline passengers beside the fleet, with bad, late and repeated records among them."""
    form = Form(Settings().events)
    return spoiled(_interleaved(Fleet()), form)


def _interleaved(fleet: Fleet) -> Iterator[Observation]:
    water, airline, generated = _water(), _airline(), fleet.observations()
    while True:
        yield from islice(generated, len(fleet.names))
        yield from islice(water, WATER_A_STEP)
        yield from islice(airline, 1)


def _water() -> Iterator[Observation]:
    return (Observation(WATER, _microseconds(x["Time"]), float(y)) for x, y in datasets.WaterFlow())


def _airline() -> Iterator[Observation]:
    return (Observation(AIRLINE, _microseconds(x["month"]), float(y)) for x, y in datasets.AirlinePassengers())


def _microseconds(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def spoiled(observations: Iterable[Observation], form: Form) -> Iterator[Outgoing]:
    """The events of these observations; now and then one that cannot be read, one that is late, and one again."""
    bad = cycle(BAD)
    newest: dict[str, Observation] = {}
    for number, observation in enumerate(observations, start=1):
        before = newest.get(observation.series)
        newest[observation.series] = observation
        yield form.event(observation)
        if number % BAD_EVERY == 0:
            yield next(bad)
        if number % LATE_EVERY == 0 and before is not None:
            yield form.event(before)
        if number % REPEATED_EVERY == 0:
            yield form.event(observation)


def from_csv(path: Path) -> Iterator[Outgoing]:
    """The events of a file.

    Raises
    ------
    TableError
        When it is not a table of time series.
    """
    return map(Form(Settings().events).event, survey(path).read())


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
        with Writer(self._settings, self._settings.kafka.input) as writer:
            for event in paced(records, lambda index, _: index / self._plan.rate, sleep=self._stop.wait):
                if self._stop.is_set() or time.monotonic() >= end:
                    return
                writer.write(event)
                self.sent += 1


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
    with ThreadPoolExecutor(1) as pool, _view(console) as show:
        sending = pool.submit(sender.send, records)
        try:
            while not sending.done():
                show(_Moment(daemon.page, time.monotonic() - started, plan.seconds, sender.sent, daemon.status()))
                wait([sending], LOOK)
            sending.result()
        finally:
            stop.set()
        show(_Moment(daemon.page, time.monotonic() - started, plan.seconds, sender.sent, daemon.status()))
        status = daemon.wait_until(
            lambda status: status.observations >= sender.sent, "has caught up", threading.Event()
        )
        seconds = time.monotonic() - started
        show(_Moment(daemon.page, seconds, plan.seconds, sender.sent, status))
    daemon.end()
    return Played(seconds, status)


class _Moment(NamedTuple):
    """What is shown."""

    page: str
    seconds: float
    of_seconds: float
    sent: int
    status: Status | None


@contextmanager
def _view(console: Console) -> Iterator[Callable[[_Moment], None]]:
    """A live table on a terminal, else a plain line now and then."""
    if not console.is_terminal:
        yield _Lines(console).show
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda moment: live.update(_picture(moment))


class _Lines:
    """A plain line every `PLAIN_LOOK` seconds."""

    def __init__(self, console: Console) -> None:
        self._console, self._next = console, 0.0

    def show(self, moment: _Moment) -> None:
        if moment.seconds < self._next or moment.status is None:
            return
        self._next = moment.seconds + PLAIN_LOOK
        status = moment.status
        self._console.print(
            f"{moment.seconds:5.0f} s  {status.events_per_second:6.0f} events/s  lag {_lag(moment):5d}  "
            f"{status.forecasts} forecasts  {_errors(status)}  {moment.page}",
            soft_wrap=True,
            highlight=False,
        )


def _picture(moment: _Moment) -> Grid:
    status = moment.status
    limit = f" of {moment.of_seconds:.0f}" if moment.of_seconds else ", Ctrl-C ends it"
    grid = Grid(title=f"lstm-stream demo, {moment.seconds:.0f} s{limit}", title_justify="left", show_header=False)
    grid.add_column()
    grid.add_column(min_width=44)
    grid.add_row("live page", moment.page)
    if status is None:
        grid.add_row("daemon", "does not answer")
        return grid
    grid.add_row("daemon", f"{status.state.replace('_', ' ')}, {len(status.partitions)} partitions")
    grid.add_row("events/s", f"{status.events_per_second:,.0f}")
    grid.add_row("lag", f"{_lag(moment):,} events")
    grid.add_row("forecasts", f"{status.forecasts:,}")
    grid.add_row("set aside", f"{status.dead_letters} bad, {status.late} late, {status.repeated} repeated")
    grid.add_row("error one step ahead", _errors(status))
    return grid


def _lag(moment: _Moment) -> int:
    return max(0, moment.sent - moment.status.observations) if moment.status is not None else moment.sent


def _errors(status: Status) -> str:
    if status.mae_model is None or status.mae_last_value is None:
        return "nothing scored yet"
    return f"MAE {status.mae_model:.3f}, last value {status.mae_last_value:.3f}"


def _summed_up(settings: Settings, played: Played) -> Summary:
    """Read the topics back."""
    kafka, decoder = settings.kafka, Decoder()
    decoded = {(one.partition, one.offset): decoder.decode(one) for one in read_topic(settings, kafka.input)}
    forecasts = [decode_forecast(one.value or b"") for one in read_topic(settings, kafka.forecasts)]
    dead_letters = sum(1 for _ in read_topic(settings, kafka.dead_letters))
    events = sum(len(one.observations) + len(one.rejects) for one in decoded.values())
    truths = {place: one.observations[0] for place, one in decoded.items() if one.observations}
    errors = one_step_errors(truths, forecasts)
    return Summary(
        events=events,
        forecasts=len(forecasts),
        dead_letters=dead_letters,
        late=played.status.late,
        repeated=played.status.repeated,
        skill_vs_last_value=skill(errors.values()),
        skill_real=skill(of for name, of in errors.items() if not name.startswith("fleet/")),
        skill_fleet=skill(of for name, of in errors.items() if name.startswith("fleet/")),
        seconds=round(played.seconds, 2),
        events_per_second=round(events / played.seconds, 1),
    )


class Errors(NamedTuple):
    """Sums of absolute errors one step ahead of one series, in its standard deviations."""

    model: float
    last_value: float


def one_step_errors(
    truths: Mapping[tuple[int, int], Observation], forecasts: Iterable[ForecastMessage]
) -> dict[str, Errors]:
    """Score each forecast's first step by the observation that the series' next forecast was made from.

    Parameters
    ----------
    truths
        Observations by partition and offset.
    forecasts
        Those of one series in the order of the log.

    Returns
    -------
    dict
        By series. A series whose values do not vary, or with no two steps in a row, is left out.
    """
    by_series: dict[str, list[tuple[Observation, ForecastMessage]]] = {}
    for forecast in forecasts:
        observation = truths[forecast.source.partition, forecast.source.offset]
        by_series.setdefault(forecast.series, []).append((observation, forecast))
    errors = {name: _errors_of(pairs) for name, pairs in by_series.items()}
    return {name: of for name, of in errors.items() if of is not None}


def _errors_of(pairs: list[tuple[Observation, ForecastMessage]]) -> Errors | None:
    unit = float(np.nanstd([observation.value for observation, _ in pairs]))
    scored = [
        (abs(truth.value - forecast.mean[0]), abs(truth.value - last.value))
        for (last, forecast), (truth, _) in pairwise(pairs)
        if _is_next(last, truth, forecast.step_seconds) and math.isfinite(truth.value - last.value)
    ]
    if not scored or not unit > 0:
        return None
    model, last_value = (sum(column) / unit for column in zip(*scored, strict=True))
    return Errors(model, last_value)


def _is_next(last: Observation, truth: Observation, step: float | None) -> bool:
    """Whether there is no gap between the two."""
    return step is None or truth.time - last.time < 1.5e6 * step


def skill(errors: Iterable[Errors]) -> float | None:
    """1 - MAE / MAE of last value, over all observations of these series; None where nothing was scored."""
    each = list(errors)
    last_value = sum(of.last_value for of in each)
    return round(1 - sum(of.model for of in each) / last_value, 4) if last_value > 0 else None
