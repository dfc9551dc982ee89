"""Events: what a record holds, observations or the reasons why not."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import structs

from lstm_stream import Observation
from pipeline.dead_letters import RefusedError, Reject
from pipeline.events.conditions import Condition, conditions
from pipeline.events.framing import FramingError, documents
from pipeline.events.identity import Identity
from pipeline.events.paths import UNSET, Path, Place
from pipeline.events.points import Points
from pipeline.events.values import Values
from pipeline.messages import Record
from pipeline.settings import Events
from pipeline.stamps import Stamp, shown


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of a record: each of its values is an observation or a reject.

    Attributes
    ----------
    observations, rejects
        What became of its values; what spoils it as a whole is one reject.
    covariates
        One number for each of the decoder's paths, NaN where it is masked; of a spoilt event, none.
    index
        Which of the record's events it is, where the record holds several; else None.
    series
        The name that its observations begin with; "" of a spoilt event.
    later
        In the hour that autumn repeats, the second reading of its time (`stamps.RepeatedHour`); else None.
    stood_in
        What the event itself did not tell, so that its record stood in for it: "series" (the key), "timestamp" (the
        record's own time); and optional parts of its series' name that it lacks, as they are spelt.
    """

    observations: tuple[Observation, ...]
    rejects: tuple[Reject, ...] = ()
    covariates: tuple[float, ...] = ()
    index: int | None = None
    series: str = ""
    later: int | None = None
    stood_in: tuple[str, ...] = ()


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """What a record holds.

    Attributes
    ----------
    events
        In their order; none where all of it is skipped.
    skipped
        Why something is not for us, once for each: where (`events.where`), absent (a value path, with `events.absent
        = "skip"`), no_points (an empty array, or an object without the array to explode).
    """

    events: tuple[Event, ...]
    skipped: tuple[str, ...] = ()

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Those of all events."""
        return tuple(one for event in self.events for one in event.observations)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Those of all events."""
        return tuple(one for event in self.events for one in event.rejects)


DEFAULTS = Events()


class Decoder:
    """Reads events.

    Parameters
    ----------
    events
        Where a record keeps what; the settings `[events]`.

    Examples
    --------
    >>> event = b'{"series": "pump", "timestamp": "2026-01-31T12:00:00Z", "value": 4.5}'
    >>> Decoder().decode(Record("events", 0, 7, -1, None, event)).observations
    (Observation(series='pump', time=1769860800000000, value=4.5),)
    """

    def __init__(self, events: Events = DEFAULTS) -> None:
        self._events, self._identity, self._values = events, Identity(events), Values(events)
        self._paths = self._values.paths
        self._points = Points(events.points) if events.points else None
        where = conditions(events.where, events.key)
        self._where_of_record = tuple(one for one in where if one.is_of_record)
        self._where_of_event = tuple(one for one in where if not one.is_of_record)
        self._skips_absent = events.absent == "skip"

    def decode(self, record: Record) -> Decoded:
        """Read one record. Whatever its bytes are, this raises nothing.

        What spoils an event as a whole is one reject; a bad value among several is a reject of its own.
        """
        if self._where_of_record and not _hold(self._where_of_record, Place(record, ())):
            return Decoded((), ("where",))
        try:
            found = documents(record, self._values.is_word)
        except FramingError as error:
            if error.reason == "empty" and not _hold(self._where_of_event, Place(record, ())):
                return Decoded((), ("where",))  # of a tombstone no field is there
            return Decoded((Event((), (Reject(error.reason, error.detail),)),))
        if self._points is None and len(found) == 1:
            skipped: list[str] = []
            event = self._event(Place(record, (found[0],)), None, skipped)
            return Decoded((event,) if event is not None else (), tuple(skipped))
        return self._several(record, found)

    def _several(self, record: Record, found: Sequence[object]) -> Decoded:
        skipped: list[str] = []
        events: list[Event] = []
        for index, nodes in enumerate(self._elements(record, found, skipped)):
            if isinstance(nodes, FramingError):
                place_of_it = index if len(found) > 1 else None
                events.append(Event((), (Reject(nodes.reason, nodes.detail, index=place_of_it),), index=place_of_it))
                continue
            event = self._event(Place(record, nodes), index, skipped)
            if event is not None:
                events.append(event)
        return Decoded(tuple(events), tuple(skipped))

    def _elements(
        self, record: Record, found: Sequence[object], skipped: list[str]
    ) -> Iterator[tuple[object, ...] | FramingError]:
        """Each document, or each element of its arrays, with what it lies in."""
        for document in found:
            if isinstance(document, FramingError):
                yield document
            elif self._points is None:
                yield (document,)
            else:
                yield from self._exploded(self._points, Place(record, (document,)), skipped)

    def _exploded(
        self, points: Points, place: Place, skipped: list[str]
    ) -> Iterator[tuple[object, ...] | FramingError]:
        """The elements of a document's arrays."""
        timestamp = place.record.timestamp
        exploded = points.explode(place.nodes[0], timestamp / 1000 if timestamp >= 0 else None)
        if exploded.arrays:
            yield from exploded.elements
            skipped += ["no_points"] * (exploded.without + exploded.empty)
        elif not _hold(self._where_of_event, place):
            skipped.append("where")
        elif self._skips_absent:
            skipped.append("absent")
        else:
            yield FramingError("missing_points", _no_points(points.texts, place.nodes[0]))

    def _event(self, place: Place, index: int | None, skipped: list[str]) -> Event | None:
        if self._where_of_event and not _hold(self._where_of_event, place):
            skipped.append("where")
            return None
        series = None
        try:
            if type(place.nodes[0]) is not dict:
                self._check_shape(place.nodes[0])
            paths = self._present(place.nodes[0], skipped) if self._skips_absent else self._paths
            if not paths:
                return None
            series, is_by_key = self._identity.series(place)
            stamp, is_by_record = self._identity.time(place)
        except RefusedError as refused:
            return Event((), (refused.reject(series, index),), index=index)
        if len(self._paths) == 1:
            event = self._one_value(place, series, stamp, index)
        else:
            event = self._several_values(place, series, stamp, index, paths)
        if (is_by_key or is_by_record) and type(place.nodes[0]) is dict:  # a bare value has no fields to lack
            event = structs.replace(event, stood_in=("series",) * is_by_key + ("timestamp",) * is_by_record)
        if self._identity.optional:
            event = structs.replace(event, stood_in=event.stood_in + self._identity.absent(place))
        return event

    def _check_shape(self, node: object) -> None:
        """Refuse what is neither an object, nor an array as an element, nor a bare value."""
        if type(node) is list and (self._points is not None or all(path.is_of_array for path in self._paths)):
            return
        is_number = type(node) is int or type(node) is float or (type(node) is str and self._values.is_word(node))
        if (is_number or (type(node) is bool and self._events.booleans)) and len(self._paths) == 1:
            return
        fix = ""
        if type(node) is list:
            fix = '; set events.points = ["[]"] if each of its elements is an event'
        elif is_number:
            fix = "; a bare number is the value of one path, and events.values has several"
        raise RefusedError("not_an_object", f"found {shown(node)}, expected an object{fix}")

    def _present(self, node: object, skipped: list[str]) -> tuple[Path, ...]:
        """The paths that lead to a value; the others are skipped."""
        if type(node) is not dict and type(node) is not list:
            return self._paths
        paths = tuple(path for path in self._paths if path.look(node) is not UNSET)
        skipped += ["absent"] * (len(self._paths) - len(paths))
        return paths

    def _one_value(self, place: Place, series: str, stamp: Stamp, index: int | None) -> Event:
        try:
            value = self._values.read(place.nodes[0], self._paths[0])
        except RefusedError as refused:
            return Event((), (refused.reject(series, index),), index=index)
        covariates = self._values.covariates(place)
        return Event((Observation(series, stamp.time, value),), (), covariates, index, series, stamp.later)

    def _several_values(
        self, place: Place, series: str, stamp: Stamp, index: int | None, paths: tuple[Path, ...]
    ) -> Event:
        observations: list[Observation] = []
        rejects: list[Reject] = []
        for path in paths:
            name = f"{series}/{path.text}"
            try:
                observations.append(Observation(name, stamp.time, self._values.read(place.nodes[0], path)))
            except RefusedError as refused:
                rejects.append(refused.reject(name, index))
        covariates = self._values.covariates(place)
        return Event(tuple(observations), tuple(rejects), covariates, index, series, stamp.later)


def _hold(where: tuple[Condition, ...], place: Place) -> bool:
    return all(condition.holds(place) for condition in where)


def _no_points(texts: Sequence[str], document: object) -> str:
    return f"no array at {' or '.join(f'`{text}`' for text in texts)} (events.points) in {shown(document)}"
