"""One event, sent where the daemon reads, and its forecast waited for: does the whole way work? And does its port?"""

import time
from collections.abc import Callable, Iterable

import msgspec

from pipeline.cluster import Newcomers, Writer
from pipeline.dead_letters import REASON
from pipeline.files.events import Event
from pipeline.messages import Outgoing, Record, decode_forecast
from pipeline.replay import Form, FormError
from pipeline.settings import Events, Settings, Web
from pipeline.web.client import WebClientError, ask

VALUE = 1.0
JUMP = "timestamp_jump"
LOOK = 1.0  # seconds between two looks at the port
OK = 200


class ProbeError(RuntimeError):
    """No forecast came. The message says what to look at."""


def made_up(events: Events, series: str, event: str | None, now: Callable[[], float] = time.time) -> Outgoing:
    """The record to send: `event`, else one of the form that these settings read, of this moment.

    Raises
    ------
    FormError
        The settings do not tell what an event looks like, so that it has to be given.
    """
    if event is not None:
        return Outgoing(series.encode(), event.encode())
    form = Form(events)
    try:
        form.check()
    except FormError as error:
        fix = "give an event that these settings read: --event JSON"
        raise FormError(f"{str(error).partition(':')[0]}; {fix}") from error
    values, covariates = (VALUE,) * len(events.values), (0.0,) * len(events.covariates)
    return form.record(Event(series, int(now() * 1e6), values, covariates))


class _RefusedError(ProbeError):
    """The event came out as a dead letter."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the event came out as a dead letter, {reason}; `lstm-stream check` tells which settings read the topic,"
            " --event sends another event"
        )


def probe(
    settings: Settings,
    topic: str,
    event: Outgoing,
    another: Outgoing,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
) -> str:
    """Send an event to the topic and wait for its forecast, or for its dead letter.

    Where the last probe was long ago, the event is refused as a jump of its series' clock. Then another one is sent, of
    a series that is new.

    Returns
    -------
    str
        One line: how long it took, and where both are.

    Raises
    ------
    ProbeError
        It came out as a dead letter, or nothing came in so many seconds.
    ClusterError
        The cluster does not answer, or does not let us write or read.
    """
    kafka = settings.kafka
    with Newcomers(settings, (kafka.forecasts, kafka.dead_letters)) as newcomers:
        started, has_jumped = now(), False
        place = _sent(settings, topic, event)
        while now() - started < seconds:
            try:
                told = _answer(newcomers.poll(), place, kafka.forecasts)
            except _RefusedError as error:
                if error.reason != JUMP or has_jumped:
                    raise
                has_jumped, place = True, _sent(settings, topic, another)
                continue
            if told:
                return f"{told}, {now() - started:.2f} s after the event was sent to {_written(place)}"
    raise ProbeError(
        f"no forecast in {kafka.forecasts} for the event at {_written(place)} in {seconds:g} s, and no dead letter:"
        f" look whether the daemon of group `{kafka.group}` is ready (/readyz) and how far behind it is; or the event"
        " was late, repeated (a probe was sent just before: name another --series) or skipped"
    )


def ready_port(
    web: Web,
    url: str,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> str:
    """Ask the daemon's port until it is ready, and for its metrics as Prometheus does.

    Returns
    -------
    str
        One line: where it answers.

    Raises
    ------
    ProbeError
        It does not in so many seconds, or refuses to tell its metrics.
    """
    started = now()
    while True:
        said = _not_ready(web, url)
        if not said:
            return f"{url} is ready, and tells its metrics"
        if now() - started >= seconds:
            raise ProbeError(f"{said}, after {seconds:g} s")
        sleep(LOOK)


def _not_ready(web: Web, url: str) -> str:
    """What is wrong with the port; "" where nothing is."""
    try:
        ready, metrics = ask(web, "/readyz", url), ask(web, "/metrics", url)
    except WebClientError as error:
        return str(error)
    if ready.code != OK:
        return f"{url}/readyz answers {ready.code}: {ready.body.strip()}"
    return "" if metrics.code == OK else f"{url}/metrics answers {metrics.code}: {metrics.body.strip()}"


Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


def _sent(settings: Settings, topic: str, event: Outgoing) -> Place:
    with Writer(settings, topic) as writer:
        return writer.place(event)


def _answer(records: Iterable[Record], place: Place, forecasts: str) -> str:
    """What came of the record at `place`; "" while that is not among the records."""
    for record in records:
        if record.topic == forecasts:
            if _origin(record) == place:
                return f"a forecast is at {_written((record.topic, record.partition, record.offset))}"
        elif _letter_of(record) == place:
            raise _RefusedError((dict(record.headers).get(REASON) or b"?").decode(errors="replace"))
    return ""


def _origin(record: Record) -> Place | None:
    """The record that a forecast was made for; None of what another program wrote."""
    try:
        source = decode_forecast(record.value or b"").source
    except msgspec.DecodeError:
        return None
    return source.topic, source.partition, source.offset


def _letter_of(record: Record) -> Place | None:
    """The record that a dead letter was."""
    told = {name: (content or b"").decode(errors="replace") for name, content in record.headers}
    try:
        return told["lstm_stream.topic"], int(told["lstm_stream.partition"]), int(told["lstm_stream.offset"])
    except (KeyError, ValueError):
        return None


def _written(place: Place) -> str:
    topic, partition, offset = place
    return f"{topic}/{partition}@{offset}"
