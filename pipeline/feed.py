"""What a demo sends: real series beside a generated fleet, bad, late and repeated records among them."""

import csv
import importlib.util
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from lstm_stream import Observation
from pipeline.files.events import Event
from pipeline.fleet import Fleet
from pipeline.messages import Outgoing
from pipeline.replay import Form
from pipeline.settings import Events

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


def built_in() -> Iterator[Outgoing]:
    """Water flow and airline passengers beside the fleet, with bad, late and repeated records among them."""
    form = Form(Events())
    return spoiled(_interleaved(Fleet()), form)


def _interleaved(fleet: Fleet) -> Iterator[Observation]:
    water, airline, generated = _water(), _airline(), fleet.observations()
    while True:
        yield from islice(generated, len(fleet.names))
        yield from islice(water, WATER_A_STEP)
        yield from islice(airline, 1)


def _water() -> Iterator[Observation]:
    return (Observation(WATER, _microseconds(time), value) for time, value in _rows("water-flow.csv"))


def _airline() -> Iterator[Observation]:
    rows = _rows("airline-passengers.csv")
    return (Observation(AIRLINE, _microseconds(f"{month}-01"), value) for month, value in rows)


def _rows(file: str) -> Iterator[tuple[str, float]]:
    """Times and values of a series that comes with river; its module of data sets would import scikit-learn, too."""
    spec = importlib.util.find_spec("river")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package river is missing; install lstm-stream again")
    with (Path(spec.submodule_search_locations[0]) / "datasets" / file).open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        yield from ((time, float(value)) for time, value in rows)


def _microseconds(time: str) -> int:
    moment = datetime.fromisoformat(time)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def spoiled(observations: Iterable[Observation], form: Form) -> Iterator[Outgoing]:
    """The events of these observations; now and then one that cannot be read, one that is late, and one again."""
    bad = cycle(BAD)
    newest: dict[str, Observation] = {}
    for number, observation in enumerate(observations, start=1):
        before = newest.get(observation.series)
        newest[observation.series] = observation
        yield form.record(Event.of(observation))
        if number % BAD_EVERY == 0:
            yield next(bad)
        if number % LATE_EVERY == 0 and before is not None:
            yield form.record(Event.of(before))
        if number % REPEATED_EVERY == 0:
            yield form.record(Event.of(observation))
