"""Follows the forecasts as they are published, each beside the value that came and what was forecast for it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from pipeline.cluster import ClusterError, TopicPartition
from pipeline.events.decoder import Decoder
from pipeline.forecast_line import Line
from pipeline.messages import ForecastMessage, Record, decode_forecast
from pipeline.settings import Settings

BEFORE = 200
"""Forecasts of each partition that are read before the first is shown, so that it has one before it."""
PATIENCE = 3.0  # seconds that the record behind a forecast is waited for


class _Expected(NamedTuple):
    mean: float | None = None
    lower: float | None = None
    upper: float | None = None


class Reader(Protocol):
    """Reads partitions from offsets on; belongs to no group."""

    def partitions(self, topic: str) -> Sequence[TopicPartition]: ...
    def follow(self, partitions: Collection[TopicPartition], before: int) -> Mapping[TopicPartition, int]: ...
    def poll(self) -> list[Record]: ...
    def fetch(self, wanted: Mapping[TopicPartition, Collection[int]], patience: float) -> list[Record]: ...


class Tail:
    """Follows a forecasts topic.

    Parameters
    ----------
    settings
        The daemon's: how the input is read.
    series
        Names of those to show; none: all.
    forecasts, inputs
        Two readers: the second one goes where the forecasts come from.
    """

    def __init__(self, settings: Settings, series: Collection[str], forecasts: Reader, inputs: Reader) -> None:
        self._settings, self._series = settings, frozenset(series)
        self._forecasts, self._inputs = forecasts, inputs
        self._decoder = Decoder(settings.events)
        self._last: dict[tuple[str, str, int], ForecastMessage] = {}

    def lines(self) -> Iterator[Line | None]:
        """Without end: a line for each forecast that is published from now on; None when there is nothing for now."""
        topic = self._settings.kafka.forecasts
        partitions = self._forecasts.partitions(topic)
        if not partitions:
            raise ClusterError(f"topic `{topic}` is missing; correct kafka.forecasts, or run `lstm-stream topics`")
        live = self._forecasts.follow(partitions, BEFORE)
        while True:
            found: list[ForecastMessage] = []
            for record in self._forecasts.poll():
                message = self._wanted(record)
                if message is None:
                    continue
                if record.offset < live[TopicPartition(record.topic, record.partition)]:
                    self._last[_of(message)] = message
                else:
                    found.append(message)
            yield from self._told(found)
            yield None

    def _wanted(self, record: Record) -> ForecastMessage | None:
        try:
            message = decode_forecast(record.value or b"")
        except msgspec.DecodeError:  # another program's record
            return None
        return message if not self._series or message.series in self._series else None

    def _told(self, messages: Sequence[ForecastMessage]) -> Iterator[Line]:
        values = self._values(messages)
        for one in messages:
            expected = _expected(self._last.get(_of(one)), one.origin)
            yield _line(one, values.get(one.id), expected)
            self._last[_of(one)] = one

    def _values(self, messages: Sequence[ForecastMessage]) -> dict[str, float]:
        """What came, by the id of the forecast that it made."""
        wanted: dict[TopicPartition, set[int]] = {}
        for one in messages:
            wanted.setdefault(TopicPartition(one.source.topic, one.source.partition), set()).add(one.source.offset)
        records = {(one.topic, one.partition, one.offset): one for one in self._inputs.fetch(wanted, PATIENCE)}
        found = ((one, records.get((one.source.topic, one.source.partition, one.source.offset))) for one in messages)
        values = ((one.id, self._value(one, record)) for one, record in found if record is not None)
        return {name: value for name, value in values if value is not None}

    def _value(self, message: ForecastMessage, record: Record) -> float | None:
        """Of the record's observations of the series, the one nearest to the origin."""
        origin = _microseconds(message.origin)
        observations = [
            one
            for event in self._decoder.decode(record).events
            for one in event.observations
            if one.series == message.series
        ]
        nearest = min(observations, key=lambda one: abs(one.time - origin), default=None)
        return None if nearest is None or nearest.value != nearest.value else nearest.value


def _of(message: ForecastMessage) -> tuple[str, str, int]:
    """A series: of one name there may be several in other topics and partitions."""
    return message.series, message.source.topic, message.source.partition


def _expected(before: ForecastMessage | None, origin: str) -> _Expected:
    """What the forecast before told of this origin."""
    if before is None:
        return _Expected()
    seconds = (_microseconds(origin) - _microseconds(before.origin)) / 1e6
    steps = round(seconds / before.step_seconds) if before.step_seconds else 1
    if not 1 <= steps <= before.horizon:
        return _Expected()
    levels = sorted(before.quantiles, key=float)
    at = steps - 1
    return _Expected(before.mean[at], before.quantiles[levels[0]][at], before.quantiles[levels[-1]][at])


def _line(message: ForecastMessage, value: float | None, expected: _Expected) -> Line:
    levels = sorted(message.quantiles, key=float)
    mean, lower, upper = expected
    return Line(
        series=message.series,
        time=message.origin,
        value=value,
        forecast=mean,
        lower=lower,
        upper=upper,
        inside=_inside(value, lower, upper),
        surprise=message.surprise,
        status=message.status,
        next=message.mean[0],
        next_lower=message.quantiles[levels[0]][0],
        next_upper=message.quantiles[levels[-1]][0],
        id=message.id,
    )


def _inside(value: float | None, lower: float | None, upper: float | None) -> bool | None:
    return None if value is None or lower is None or upper is None else lower <= value <= upper


def _microseconds(iso: str) -> int:
    moment = datetime.fromisoformat(iso)
    return round(moment.timestamp() * 1_000_000)
