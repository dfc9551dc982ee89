"""What one partition owns: one network, the state of its series, and its next offset.

A shard is a fold of its partition's log. However the log is split into batches, and wherever the shard was at rest
in between, the forecasts are the same bytes.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream import Bank, Dump, DumpError, Fault, Forecasts, LiveScores, Observation, Outcome, Scores
from pipeline.dead_letters import Reject, dead_letters
from pipeline.events import Decoder, Event
from pipeline.fates import FORECAST, LATE, REPEATED, SKIPPED, Fate, Fates
from pipeline.forecast_writer import ForecastWriter
from pipeline.hyperparameters import hyperparameters
from pipeline.journal import Journal, Whole
from pipeline.measures import Measures
from pipeline.messages import Outgoing, Record, iso8601
from pipeline.portrait import expert_weights, known, series_status
from pipeline.settings import Settings, fingerprint
from pipeline.stamps import RepeatedHour
from pipeline.status import Gates, Ranking, SeriesStatus, ShardStatus
from pipeline.surprises import Surprises
from pipeline.table import Table

Publish = Literal["every", "latest", "none"]


class FingerprintError(ValueError):
    """A checkpoint was made with other settings than it is loaded with. The message names the difference."""


class Counts(msgspec.Struct, frozen=True):
    """What became of observations: each is counted once, and once more under what it came to."""

    observations: int = 0
    forecasts: int = 0
    superseded: int = 0
    """Forecasts that `publish = "latest"` left out, since a newer one of their series goes out with them."""
    late: int = 0
    repeated: int = 0
    dead_letters: dict[str, int] = {}
    """By reason."""
    masked_covariates: int = 0
    """Of events with observations; no part of the sum."""
    out_of_bounds: int = 0
    """Of those with a forecast; no part of the sum."""
    skipped: dict[str, int] = {}
    """Records, elements and values that are not for us, by reason; no part of the sum."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.observations + other.observations,
            self.forecasts + other.forecasts,
            self.superseded + other.superseded,
            self.late + other.late,
            self.repeated + other.repeated,
            dict(Counter(self.dead_letters) + Counter(other.dead_letters)),
            self.masked_covariates + other.masked_covariates,
            self.out_of_bounds + other.out_of_bounds,
            dict(Counter(self.skipped) + Counter(other.skipped)),
        )


class Failure(NamedTuple):
    """A step of the model that raised, which none should: what it was about has started anew.

    Attributes
    ----------
    series
        None where it lay in what all series of the shard share.
    offset
        Of the record.
    stage
        See `lstm_stream.Fault`.
    trace
        The traceback.
    """

    series: str | None
    offset: int
    stage: str
    trace: str


class Fold(NamedTuple):
    """What a batch of records came to."""

    forecasts: list[Outgoing]
    dead_letters: list[Outgoing]
    counts: Counts
    seconds: dict[str, float]
    """By stage: decode, observe (learning included), encode."""
    failures: tuple[Failure, ...] = ()
    fates: Fates = Fates()
    """What became of each observation, for what watches over losses; nothing of a silent fold: that was told before."""
    measures: Measures = Measures.nothing()
    """For the metrics; nothing of a silent fold."""


class State(NamedTuple):
    """A shard at rest, without its offset: what a checkpoint keeps."""

    header: dict[str, object]
    arrays: dict[str, npt.NDArray[Any]]


class _Batch(NamedTuple):
    """Records taken apart; each observation and reject beside the record that it came from.

    Attributes
    ----------
    sizes, covariates, indices, stood_in
        How many observations each event has, of those that have any, its covariates, which of its record it is, and
        what it did not tell itself.
    skipped
        Why something was not for us, once for each.
    left_out
        Records of which nothing was for us, and why.
    """

    observations: list[tuple[Observation, Record]]
    rejects: list[tuple[Reject, Record]]
    sizes: list[int]
    covariates: list[tuple[float, ...]]
    indices: list[int | None]
    stood_in: list[tuple[str, ...]]
    skipped: list[str]
    left_out: list[tuple[str, Record]]


class Shard:
    """The state of a partition's series, and what their next records do to it.

    Make one with `fresh` or `load`.

    Parameters
    ----------
    topic, partition
        Whose log it folds.
    next_offset
        The first offset that it has not seen.
    settings
        Of the daemon.
    bank
        The series.
    clock
        Seconds, for the stages' times; nothing else depends on it.
    repeated_hour
        What is known of the series' times in the hour that autumn repeats (`RepeatedHour.dump`).
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        next_offset: int,
        settings: Settings,
        bank: Bank,
        clock: Callable[[], float] = time.perf_counter,
        repeated_hour: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.topic, self.partition, self.next_offset = topic, partition, next_offset
        self.bank = bank
        self._fingerprint = fingerprint(settings)
        self._levels = [str(level) for level in settings.model.quantiles]
        self._writer = ForecastWriter(
            topic, partition, self._levels, topic if settings.kafka.has_several_inputs else None
        )
        self._decoder = Decoder(settings.events)
        self._has_covariates = bool(settings.events.covariates)
        self._repeated_hour = RepeatedHour(repeated_hour)
        self._max_gap = settings.events.max_gap
        self._clock = clock
        self._series: tuple[str, ...] = ()
        self._journal = Journal()
        self._live_scores = LiveScores(settings.model.horizon)
        self._surprises = Surprises()

    @classmethod
    def fresh(cls, topic: str, partition: int, next_offset: int, settings: Settings) -> "Shard":
        """A shard that has seen nothing yet."""
        return cls(topic, partition, next_offset, settings, Bank(hyperparameters(settings)))

    @classmethod
    def load(
        cls,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
    ) -> "Shard":
        """The shard of a `dump`.

        Raises
        ------
        FingerprintError
            It was made with settings that shape the state otherwise, or by a version that keeps it otherwise.
        """
        try:
            kept = msgspec.convert(header, _Header)
            Bank.check_format(kept.bank)
            _compare(kept.fingerprint, fingerprint(settings))
            bank = Bank.load(kept.bank, arrays)
            return cls(topic, partition, kept.next_offset, settings, bank, repeated_hour=_repeated_hour(arrays))
        except (DumpError, msgspec.ValidationError) as error:
            raise FingerprintError(
                f"the checkpoint is of another version of lstm-stream: {error}; go back to that version, or start with"
                " --rebuild to learn anew"
            ) from error

    def dump(self) -> State:
        """The whole state; changes nothing."""
        header, arrays = self.bank.dump()
        return State(self._header(header), arrays | self._hours())

    def dump_in_parts(self) -> Dump:
        """The same, to be taken block by block while more is folded."""
        dump = self.bank.dump_in_parts(self._hours())
        dump.header = self._header(dump.header)
        return dump

    def _header(self, bank: dict[str, object]) -> dict[str, object]:
        return {"next_offset": self.next_offset, "fingerprint": self._fingerprint, "bank": bank}

    def _hours(self) -> dict[str, npt.NDArray[Any]]:
        last = self._repeated_hour.dump()
        names = np.frombuffer(msgspec.json.encode(list(last)), np.uint8)
        return {HOUR_NAMES: names, HOUR_TIMES: np.fromiter(last.values(), np.int64, len(last))}

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        """Take the next records of the log, in its order.

        Parameters
        ----------
        records
            Of this partition, none before `next_offset`.
        publish
            Which forecasts to hand out: of every observation, of the newest of each series, or none (they and the
            dead letters are out already).
        """
        start = self._clock()
        batch = self._decoded(records)
        decoded = self._clock()
        covariates = np.asarray(batch.covariates, np.float64)
        known = len(self.bank.names)
        began = _began(batch, self.bank.names)
        forecasts = self._observe(batch, covariates)
        observed = self._clock()
        # In the order of the log, those of one record together: how often it is copied depends on that.
        refused = _refused(batch, forecasts, self._max_gap)
        rejects = sorted([*batch.rejects, *refused], key=lambda one: one[1].offset)
        told = _told(batch, forecasts, publish)
        scores = self._score(batch, forecasts)
        letters = [] if publish == "none" else dead_letters(rejects)
        fold = Fold(
            self._encoded(batch, forecasts, told),
            letters,
            _counts(forecasts, told, (reject for reject, _ in rejects), covariates, batch.skipped),
            {"decode": decoded - start, "observe": observed - decoded, "encode": self._clock() - observed},
            tuple(_failure(fault, batch) for fault in self.bank.faults),
            Fates()
            if publish == "none"
            else Fates(_fates(batch, forecasts, rejects, began), _masked(covariates), known),
            Measures.nothing() if publish == "none" else _measures(records, forecasts, told, scores),
        )
        self.next_offset = records[-1].offset + 1 if records else self.next_offset
        return fold

    def status(self) -> ShardStatus:
        """How the model is doing; changes nothing."""
        bank = self.bank
        model, last_value = bank.errors()
        return ShardStatus(
            series=len(bank.names),
            learning_steps=bank.updates,
            skipped_learning_steps=bank.skipped,
            loss=bank.lesson.loss,
            gradient_norm=bank.lesson.gradient_norm,
            mae_model=model,
            mae_last_value=last_value,
            drifts=bank.drifts,
            breaks=bank.breaks,
            state_bytes=bank.nbytes,
            gates=Gates(**bank.gates()._asdict()),
            experts=expert_weights(bank.expert_weights()),
        )

    def series(self) -> tuple[str, ...]:
        """Names of the series, in the order in which they came; the same tuple while there are no others."""
        if len(self._series) != len(self.bank.names):
            self._series = tuple(self.bank.names)
        return self._series

    def ranking(self, by: Ranking, count: int) -> list[tuple[float, str]]:
        """The first so many series by how surprising they were of late, or by their error over that of last value.

        Series that are warming have no place in it.
        """
        names = self.series()
        key = self._surprises.recent(len(names)) if by == "surprise" else self.bank.error_ratios()
        known = np.flatnonzero(~np.isnan(key))
        first = known[np.argsort(-key[known], kind="stable")[:count]]
        return [(float(key[row]), names[row]) for row in first.tolist()]

    def series_status(self, name: str) -> SeriesStatus | None:
        """One series and its newest forecast; None if there is no such series, or nothing is known of it."""
        return series_status(name, self.bank, self._journal, self.topic, self.partition, self._levels)

    def table(self) -> Table:
        """All series in the order of `series`; a copy."""
        return Table(self.series(), self.bank.summaries(), *self._journal.surprises(len(self.bank.names)))

    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]:
        """The last values of a series, oldest first; none of one that is not known."""
        if not self.bank.observations(name):
            return ()
        return known(self.bank.recent(name, count)[1])

    def watch(self, names: Collection[str]) -> None:
        """Keep the forecasts of these series from now on, for `track`; no forecast depends on it."""
        self._journal.watch({self.bank.names[name] for name in names if name in self.bank.names})

    def track(self, name: str) -> tuple[Whole, ...]:
        """The last forecasts of a series that is watched, oldest first."""
        return self._journal.track(self.bank.names[name]) if name in self.bank.names else ()

    def _decoded(self, records: Sequence[Record]) -> _Batch:
        batch = _Batch([], [], [], [], [], [], [], [])
        expected = self.next_offset
        for record in records:
            if record.offset < expected:
                raise AssertionError(f"offset {record.offset} came again; {expected} is the next one")
            expected = record.offset + 1
            decoded = self._decoder.decode(record)
            if decoded.skipped:
                batch.skipped.extend(decoded.skipped)
            if not decoded.events:
                batch.left_out.append((decoded.skipped[0] if decoded.skipped else "", record))
            for event in decoded.events:
                self._add(batch, event, record)
        return batch

    def _add(self, batch: _Batch, event: Event, record: Record) -> None:
        for observation in self._observations(event):
            batch.observations.append((observation, record))
        for reject in event.rejects:
            batch.rejects.append((reject, record))
        if event.observations:
            batch.sizes.append(len(event.observations))
            batch.covariates.append(event.covariates)
            batch.indices.append(event.index)
            batch.stood_in.append(event.stood_in)

    def _observations(self, event: Event) -> tuple[Observation, ...]:
        """An event's observations, each in the pass of the repeated hour that is meant."""
        if event.later is None or not event.observations:
            return event.observations
        time = self._repeated_hour.choose(event.series, event.observations[0].time, event.later)
        return tuple(one._replace(time=time) for one in event.observations)

    def _observe(self, batch: _Batch, covariates: npt.NDArray[np.float64]) -> Forecasts:
        observations = [observation for observation, _ in batch.observations]
        count = len(observations)
        alone = count == len(batch.sizes)  # each observation in an event of its own
        forecasts = self.bank.observe(
            [observation.series for observation in observations],
            np.fromiter((observation.time for observation in observations), np.int64, count),
            np.fromiter((observation.value for observation in observations), np.float64, count),
            events=None if alone else np.repeat(np.arange(len(batch.sizes)), batch.sizes),
            covariates=np.repeat(covariates, batch.sizes, axis=0) if self._has_covariates and count else None,
        )
        rows = np.fromiter((self.bank.names[one.series] for one in observations), np.int64, count)
        self._journal.note(rows, forecasts, len(self.bank.names))
        return forecasts

    def _score(self, batch: _Batch, forecasts: Forecasts) -> Scores:
        """Hold what came against what was published for it; no forecast depends on that."""
        names, count = self.bank.names, len(batch.observations)
        rows = np.fromiter((names[observation.series] for observation, _ in batch.observations), np.int64, count)
        times = np.fromiter((observation.time for observation, _ in batch.observations), np.int64, count)
        values = np.fromiter((observation.value for observation, _ in batch.observations), np.float64, count)
        self._surprises.note(rows, forecasts.surprise)
        return self._live_scores.score(rows, times, values, forecasts)

    def _encoded(self, batch: _Batch, forecasts: Forecasts, told: npt.NDArray[np.int64]) -> list[Outgoing]:
        sources = [batch.observations[index] for index in told.tolist()]
        series = [observation.series for observation, _ in sources]
        offsets = [record.offset for _, record in sources]
        values = self._writer.write(series, offsets, forecasts.take(told))
        return [Outgoing(name.encode(), value) for name, value in zip(series, values, strict=True)]


class _Header(msgspec.Struct, frozen=True):
    """The numbers of a dump."""

    next_offset: int
    fingerprint: dict[str, object]
    bank: dict[str, object]


HOUR_NAMES, HOUR_TIMES = "repeated_hour.names", "repeated_hour.times"
"""Arrays of a dump: they grow with the series, for which a header has no room."""


def _repeated_hour(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, int]:
    """What a dump knows of the hour that autumn repeats; one of before knows nothing."""
    if HOUR_NAMES not in arrays:
        return {}
    names = msgspec.json.decode(arrays[HOUR_NAMES].tobytes(), type=list[str])
    return dict(zip(names, arrays[HOUR_TIMES].tolist(), strict=True))


def _compare(kept: Mapping[str, object], given: Mapping[str, object]) -> None:
    other = sorted(name for name in kept.keys() | given.keys() if kept.get(name) != given.get(name))
    if other:
        told = ", ".join(f"{name} was {kept.get(name)!r} and is now {given.get(name)!r}" for name in other)
        raise FingerprintError(
            f"the checkpoint was made with other settings: {told}; set them back, or start with --rebuild to learn anew"
        )


def _refused(batch: _Batch, forecasts: Forecasts, max_gap: int) -> Iterator[tuple[Reject, Record]]:
    """Observations that the model refuses: first values that are missing, and jumps of the clock."""
    indices = np.flatnonzero(np.isin(forecasts.outcome, (Outcome.UNKNOWN, Outcome.JUMP))).tolist()
    events = np.repeat(np.arange(len(batch.sizes)), batch.sizes) if indices else ()
    for index in indices:
        observation, record = batch.observations[index]
        place = batch.indices[events[index]]
        if forecasts.outcome[index] == Outcome.UNKNOWN:
            detail = "the series' first value is null: there is nothing to forecast from"
            yield Reject("null_before_first_value", detail, observation.series, index=place), record
        else:
            detail = _jump(observation.time, int(forecasts.origin[index]), float(forecasts.step[index]), max_gap)
            yield Reject("timestamp_jump", detail, observation.series, index=place), record


def _jump(time: int, last: int, step: float, max_gap: int) -> str:
    steps = f"{max_gap} steps of {step:g} s" if step else f"{max_gap} times its usual gap"
    return (
        f"{iso8601(time)} is {(time - last) / 1e6:.10g} s after the series' last time, and"
        f" events.max_gap allows {steps}; raise it if such gaps are usual"
    )


def _failure(fault: Fault, batch: _Batch) -> Failure:
    return Failure(fault.series, batch.observations[fault.source][1].offset, fault.stage, fault.trace)


def _began(batch: _Batch, names: Mapping[str, int]) -> list[bool]:
    """Of each observation, whether it is the first of its series."""
    new: dict[str, int] = {}
    for index, (observation, _) in enumerate(batch.observations):
        if observation.series not in names:
            new.setdefault(observation.series, index)
    began = [False] * len(batch.observations)
    for index in new.values():
        began[index] = True
    return began


def _fates(
    batch: _Batch, forecasts: Forecasts, rejects: Iterable[tuple[Reject, Record]], began: list[bool]
) -> tuple[Fate, ...]:
    """What became of each observation, in the order of the log."""
    dead = [Fate(record.offset, reject.reason, reject.detail, reject.field) for reject, record in rejects]
    stood_in = (roles for roles, size in zip(batch.stood_in, batch.sizes, strict=True) for _ in range(size))
    scored = ~np.isnan(forecasts.surprise)
    columns = (
        forecasts.outcome.tolist(),
        forecasts.restart.tolist(),
        scored.tolist(),
        forecasts.outside.tolist(),
        began,
        stood_in,
    )
    others = [
        _fate(record.offset, observation, *column)
        for (observation, record), column in zip(batch.observations, zip(*columns, strict=True), strict=True)
        if column[0] in CAME_TO  # the others are dead letters
    ]
    skipped = [Fate(record.offset, SKIPPED, reason) for reason, record in batch.left_out]
    each = dead + others + skipped
    return tuple(each if len(each) == len(others) else sorted(each, key=lambda fate: fate.offset))


CAME_TO = {int(Outcome.FORECAST): FORECAST, int(Outcome.LATE): LATE, int(Outcome.REPEATED): REPEATED}


def _fate(
    offset: int,
    observation: Observation,
    outcome: int,
    restart: bool,
    scored: bool,
    outside: bool,
    began: bool,
    stood_in: tuple[str, ...],
) -> Fate:
    restarted = restart and not began
    is_usual = outcome == Outcome.FORECAST and not restarted and not outside
    detail = "" if is_usual else f"`{observation.series}` at {iso8601(observation.time)}"
    value = observation.value if outside else None
    return Fate(offset, CAME_TO[outcome], detail, None, stood_in, began, restarted, scored, observation.series, value)


def _masked(covariates: npt.NDArray[np.float64]) -> tuple[tuple[bool, ...], ...]:
    return tuple(map(tuple, np.isnan(covariates).tolist())) if covariates.size else ()


def _measures(records: Sequence[Record], forecasts: Forecasts, told: npt.NDArray[np.int64], scores: Scores) -> Measures:
    times = np.fromiter((record.timestamp for record in records), np.int64, len(records))
    surprises = forecasts.surprise[~np.isnan(forecasts.surprise)]
    return Measures(forecasts.origin[told], times[times >= 0], surprises, scores)


def _told(batch: _Batch, forecasts: Forecasts, publish: Publish) -> npt.NDArray[np.int64]:
    """Which observations' forecasts go out."""
    made = np.flatnonzero(forecasts.outcome == Outcome.FORECAST)
    if publish == "every":
        return made
    newest = {batch.observations[index][0].series: index for index in made.tolist()} if publish == "latest" else {}
    return np.asarray(sorted(newest.values()), np.int64)


def _counts(
    forecasts: Forecasts,
    told: npt.NDArray[np.int64],
    rejects: Iterable[Reject],
    covariates: npt.NDArray[np.float64],
    skipped: Iterable[str],
) -> Counts:
    came_to = np.bincount(forecasts.outcome, minlength=len(Outcome)).tolist()
    dead = Counter(reject.reason for reject in rejects)
    return Counts(
        observations=len(forecasts.outcome) + dead.total() - came_to[Outcome.UNKNOWN] - came_to[Outcome.JUMP],
        forecasts=len(told),
        superseded=came_to[Outcome.FORECAST] - len(told),
        late=came_to[Outcome.LATE],
        repeated=came_to[Outcome.REPEATED],
        dead_letters=dict(dead),
        masked_covariates=int(np.isnan(covariates).sum()),
        out_of_bounds=int(np.count_nonzero(forecasts.outside)),
        skipped=dict(Counter(skipped)),
    )
