"""One event, sent where the daemon reads, and its forecast waited for: does the whole way work?"""

import time
from collections.abc import Callable, Iterable

import msgspec

from pipeline.cluster import Newcomers, Writer
from pipeline.dead_letters import REASON
from pipeline.files.tables import Event
from pipeline.messages import Outgoing, Record, decode_forecast
from pipeline.replay import Form, FormError
from pipeline.settings import Events, Settings

VALUE = 1.0


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


def probe(
    settings: Settings, topic: str, event: Outgoing, seconds: float, now: Callable[[], float] = time.monotonic
) -> str:
    """Send the event to the topic and wait for its forecast, or for its dead letter.

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
        started = now()
        place = _sent(settings, topic, event)
        while now() - started < seconds:
            if told := _answer(newcomers.poll(), place, kafka.forecasts):
                return f"{told}, {now() - started:.2f} s after the event was sent to {_written(place)}"
    raise ProbeError(
        f"no forecast in {kafka.forecasts} for the event at {_written(place)} in {seconds:g} s, and no dead letter:"
        f" look whether the daemon of group `{kafka.group}` is ready (/readyz) and how far behind it is; or the event"
        " was late, repeated or skipped"
    )


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
            why = dict(record.headers).get(REASON) or b"?"
            raise ProbeError(
                f"the event came out as a dead letter, {why.decode(errors='replace')}; `lstm-stream check` tells which"
                " settings read the topic, --event sends another event"
            )
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
