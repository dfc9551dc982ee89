"""Events as JSON into a topic, as fast as told."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from pipeline.events.fields import is_template
from pipeline.files.events import Event
from pipeline.files.file_options import Fields
from pipeline.messages import Outgoing
from pipeline.settings import Events
from pipeline.stamps import Stamps

T = TypeVar("T")

LEAST_WAIT = 0.005  # seconds


class FormError(Exception):
    """Events cannot be written for these settings. The message says which, and the fix."""


class Form:
    """How an event is written: with the fields that the daemon reads with the same settings.

    Attributes
    ----------
    fields
        What they are called.
    """

    def __init__(self, events: Events) -> None:
        self.fields = Fields(events.series, events.timestamp, events.values, events.covariates)
        self._settings = events
        self._stamps = Stamps(events.timestamp_format, events.timezone)
        self._order = (events.series, events.timestamp, *events.values, *events.covariates)

    def check(self) -> None:
        """Raise FormError unless the daemon would read what is written with these settings."""
        events = self._settings
        asked = {
            "series": is_template(events.series),
            "timestamp": is_template(events.timestamp),
            "points": bool(events.points),
            "where": bool(events.where),
        }
        for key, is_asked in asked.items():
            if is_asked:
                raise FormError(
                    f"events.{key} cannot be inverted: a row of a file does not tell what it is put together of; write"
                    f" to a topic of its own, with the default of events.{key} here and in the daemon that reads it"
                )

    def record(self, event: Event) -> Outgoing:
        """One JSON object, keyed by series; a missing value or covariate is null."""
        numbers = [number if math.isfinite(number) else None for number in (*event.values, *event.covariates)]
        told = zip(self._order, (event.series, self._stamps.write(event.time), *numbers), strict=True)
        return Outgoing(event.series.encode(), msgspec.json.encode(dict(told)))


class Pace:
    """When each event is due: by a rate, or by multiples of the events' own time; else at once.

    Parameters
    ----------
    rate
        Events a second.
    speed
        Seconds of the events' time a second: 3600 plays an hour each second.
    """

    def __init__(self, rate: float | None = None, speed: float | None = None) -> None:
        self._rate, self._speed = rate, speed
        self._first: int | None = None

    def due(self, index: int, event: Event) -> float:
        """Seconds after the first one."""
        self._first = event.time if self._first is None else self._first
        if self._rate is not None:
            return index / self._rate
        return (event.time - self._first) / 1e6 / self._speed if self._speed is not None else 0.0


def paced(
    items: Iterable[T],
    due: Callable[[int, T], float],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    least: float = LEAST_WAIT,
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
    least
        The shortest sleep in seconds; what comes due meanwhile is handed out together.
    """
    started = now()
    for index, item in enumerate(items):
        wait = started + due(index, item) - now()
        if wait > 0:
            sleep(max(wait, least))
        yield item
