"""What shards would make of some records with some settings, without a model: the daemon's own decoder and grid."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from msgspec import structs

from lstm_stream import Observation, Outcome, Timeline, timeline
from pipeline.cluster import Sample
from pipeline.dead_letters import Reject
from pipeline.events.decoder import Decoder, Event
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import Record
from pipeline.settings import Settings
from pipeline.stamps.repeated_hour import RepeatedHour


class Taken(msgspec.Struct, frozen=True):
    """An observation, and what would become of it.

    Attributes
    ----------
    record, place, index
        Of which record, the how manyth of its stretch, and which of the record's events if it has several.
    stood_in
        For which of "series" and "timestamp" the record stood in.
    outcome
        A forecast, or late, repeated, or one of the two that the grid refuses: unknown, which is null before the first
        value, and a jump of the clock.
    restart
        Whether its series, known before, starts again with it.
    """

    observation: Observation
    record: Record
    place: int
    index: int | None
    stood_in: tuple[str, ...]
    outcome: Outcome
    restart: bool


class Trial(msgspec.Struct, frozen=True):
    """What became of a sample.

    Attributes
    ----------
    taken, rejects
        Each value of each event is one or the other.
    skipped
        Records, or elements of them, that are not meant for us.
    steps
        Seconds by series; 0: its times keep none; nan: too few observations to tell.
    """

    taken: tuple[Taken, ...]
    rejects: tuple[tuple[Reject, Record], ...]
    skipped: int
    steps: dict[str, float]

    @property
    def observations(self) -> int:
        return len(self.taken) + len(self.rejects)

    def count(self, *outcomes: Outcome) -> int:
        """How many came to one of these."""
        return sum(one.outcome in outcomes for one in self.taken)

    @property
    def lost(self) -> int:
        """Observations without a forecast."""
        return len(self.rejects) + len(self.taken) - self.count(Outcome.FORECAST)

    @property
    def singles(self) -> int:
        """Series with one observation only."""
        return sum(number == 1 for number in Counter(one.observation.series for one in self.taken).values())


def is_by_ids(trial: Trial) -> bool:
    """Whether the names of its series are ids that each event has of its own."""
    names = len(trial.steps)
    return names >= 10 and trial.singles > 0.8 * names and names > 0.5 * len(trial.taken)


def confusion(trial: Trial) -> float:
    """Share of observations that come at or before the time of the one before, or are alone in their series."""
    mixed = trial.count(Outcome.LATE, Outcome.REPEATED) / max(len(trial.taken), 1)
    return mixed + (1.0 if is_by_ids(trial) else 0.0)


def try_out(sample: Sample, settings: Settings, limit: int | None = None) -> Trial:
    """Decode and place what was read of a topic.

    Parameters
    ----------
    sample
        What was read.
    settings
        As a daemon would have them.
    limit
        Records of each stretch to look at; None: all.
    """
    trials = [_of(stretch[:limit], settings) for part in sample.parts for stretch in part.stretches]
    steps: dict[str, float] = {}
    for trial in trials:
        steps.update({name: step for name, step in trial.steps.items() if steps.get(name, np.nan) != steps.get(name)})
    return Trial(
        tuple(taken for trial in trials for taken in trial.taken),
        tuple(reject for trial in trials for reject in trial.rejects),
        sum(trial.skipped for trial in trials),
        steps,
    )


class _Entry(msgspec.Struct, frozen=True):
    """An observation before it is placed."""

    observation: Observation
    record: Record
    place: int
    index: int | None
    stood_in: tuple[str, ...]


def _of(records: Sequence[Record], settings: Settings) -> Trial:
    decode, hour = Decoder(settings.events).decode, RepeatedHour()
    entries: list[_Entry] = []
    rejects: list[tuple[Reject, Record]] = []
    skipped = 0
    for place, record in enumerate(records):
        decoded = decode(record)
        skipped += len(decoded.skipped)
        for event in decoded.events:
            rejects.extend((reject, record) for reject in event.rejects)
            entries.extend(
                _Entry(observation, record, place, event.index, event.stood_in) for observation in _timed(event, hour)
            )
    lies = _timeline([one.observation for one in entries], settings)
    return Trial(tuple(_placed(entries, lies)), tuple(rejects), skipped, _steps(lies))


def _timed(event: Event, hour: RepeatedHour) -> Iterator[Observation]:
    """The observations of an event, in the hour that autumn repeats as the shard takes them."""
    if event.later is None or not event.observations:
        yield from event.observations
        return
    time = hour.choose(event.series, event.observations[0].time, event.later)
    yield from (one._replace(time=time) for one in event.observations)


def _timeline(observations: Sequence[Observation], settings: Settings) -> Timeline:
    count = len(observations)
    return timeline(
        [observation.series for observation in observations],
        np.fromiter((observation.time for observation in observations), np.int64, count),
        np.fromiter((observation.value for observation in observations), np.float64, count),
        hyperparameters(settings),
    )


def _placed(entries: Iterable[_Entry], lies: Timeline) -> Iterator[Taken]:
    seen: set[str] = set()
    for entry, outcome, restart in zip(entries, lies.outcome.tolist(), lies.restart.tolist(), strict=True):
        again = restart and entry.observation.series in seen
        seen.add(entry.observation.series)
        yield Taken(**structs.asdict(entry), outcome=Outcome(outcome), restart=again)


def _steps(lies: Timeline) -> dict[str, float]:
    known = np.where(lies.step == 0, np.nan, np.where(lies.gridded, lies.step, 0.0))
    return dict(zip(lies.names, known.tolist(), strict=True))
