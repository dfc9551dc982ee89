"""Observations as JSON events into a topic, as fast as told."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from lstm_stream import Observation
from pipeline.messages import Outgoing, iso8601
from pipeline.settings import Events

T = TypeVar("T")

LEAST_WAIT = 0.005  # seconds: what comes due meanwhile is handed out together


class ReplayError(Exception):
    """The events cannot be written as the settings want them; the message is the fix."""


class Form:
    """How an observation becomes an event: the fields that the daemon reads with the same settings.

    Raises
    ------
    ReplayError
        When the settings expect several values in an event.
    """

    def __init__(self, events: Events) -> None:
        if len(events.values) != 1:
            paths = ", ".join(events.values)
            raise ReplayError(f"a replayed event holds one value, but events.values is {paths}; set it to one path")
        self._fields = (events.series, events.timestamp, events.values[0])

    def event(self, observation: Observation) -> Outgoing:
        """One JSON object, keyed by series; a missing value is null."""
        value = observation.value if math.isfinite(observation.value) else None
        fields = zip(self._fields, (observation.series, iso8601(observation.time), value), strict=True)
        return Outgoing(observation.series.encode(), msgspec.json.encode(dict(fields)))


class Pace:
    """When each observation is due: by a rate, or by multiples of the observations' own time; else at once.

    Parameters
    ----------
    rate
        Observations a second.
    speed
        Seconds of the observations' time a second: 3600 plays an hour each second.
    """

    def __init__(self, rate: float | None = None, speed: float | None = None) -> None:
        self._rate, self._speed = rate, speed
        self._first: int | None = None

    def due(self, index: int, observation: Observation) -> float:
        """Seconds after the first one."""
        self._first = observation.time if self._first is None else self._first
        if self._rate is not None:
            return index / self._rate
        return (observation.time - self._first) / 1e6 / self._speed if self._speed is not None else 0.0


def paced(
    items: Iterable[T],
    due: Callable[[int, T], float],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[T]:
    """Hand out each item when it is due, never before.

    Parameters
    ----------
    items
        In the order in which they are due.
    due
        Seconds from the start at which an item is due, from its index and itself.
    now, sleep
        The clock, in seconds.
    """
    started = now()
    for index, item in enumerate(items):
        wait = started + due(index, item) - now()
        if wait > 0:
            sleep(max(wait, LEAST_WAIT))
        yield item
