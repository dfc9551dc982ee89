"""What one partition owns: one network, the state of its series, and its next offset.

A shard is a fold of its partition's log. However the log is split into batches, and wherever the shard was at rest
in between, the forecasts are the same bytes.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream import (
    Bank,
    Dump,
    DumpError,
    Forecasts,
    LiveScores,
    Observation,
    PretrainedWeights,
    Scores,
    check_format,
)
from pipeline.batch import Batch, counts, failure, fates, firsts, masked, measures, published, refusals
from pipeline.dead_letters import dead_letters
from pipeline.events.decoder import Decoder, Event
from pipeline.fates import Fates
from pipeline.fingerprints import FingerprintError, Kept, compare
from pipeline.fold import Fold, Publish
from pipeline.forecast_writer import ForecastWriter
from pipeline.hyperparameters import hyperparameters
from pipeline.journal import Journal, Whole
from pipeline.measures import Measures
from pipeline.messages import Outgoing, Record
from pipeline.settings import Settings, fingerprint
from pipeline.stamps.repeated_hour import RepeatedHour
from pipeline.surprises import Surprises
from pipeline.web.series_status import SeriesStatus
from pipeline.web.series_view import known, series_status, shard_status
from pipeline.web.status import Ranking, ShardStatus
from pipeline.web.table import Table
from pipeline.weights import digest_of


class State(NamedTuple):
    """A shard at rest, without its offset: what a checkpoint keeps."""

    header: dict[str, object]
    arrays: dict[str, npt.NDArray[Any]]


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
        What is known of the series' times in the hour that autumn repeats.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        next_offset: int,
        settings: Settings,
        bank: Bank,
        clock: Callable[[], float] = time.perf_counter,
        repeated_hour: RepeatedHour | None = None,
    ) -> None:
        self.topic, self.partition, self.next_offset = topic, partition, next_offset
        self.bank = bank
        self._fingerprint = fingerprint(settings, bank.weights.digest)
        self._levels = [str(level) for level in settings.model.quantiles]
        self._writer = ForecastWriter(
            topic, partition, self._levels, topic if settings.kafka.has_several_inputs else None
        )
        self._decoder = Decoder(settings.events)
        self._has_covariates = bool(settings.events.covariates)
        self._repeated_hour = repeated_hour or RepeatedHour()
        self._max_gap = settings.events.max_gap
        self._clock = clock
        self._series: tuple[str, ...] = ()
        self._journal = Journal()
        self._live_scores = LiveScores(settings.model.horizon)
        self._surprises = Surprises()

    @classmethod
    def fresh(
        cls,
        topic: str,
        partition: int,
        next_offset: int,
        settings: Settings,
        weights: PretrainedWeights | None = None,
    ) -> "Shard":
        """A shard that has seen nothing yet, with these weights of the pretrained network or those of the package."""
        return cls(topic, partition, next_offset, settings, Bank(hyperparameters(settings), weights=weights))

    @classmethod
    def load(
        cls,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
        weights: PretrainedWeights | None = None,
    ) -> "Shard":
        """The shard of a `dump`, which rests on these weights of the pretrained network or those of the package.

        Raises
        ------
        FingerprintError
            It was made with settings or weights that shape the state otherwise, or by a version that keeps it
            otherwise.
        """
        try:
            kept = msgspec.convert(header, Kept)
            check_format(kept.bank)
            compare(kept.fingerprint, fingerprint(settings, digest_of(settings.model, weights)))
            bank = Bank.load(kept.bank, arrays)
            return cls(topic, partition, kept.next_offset, settings, bank, repeated_hour=RepeatedHour.of_arrays(arrays))
        except (DumpError, msgspec.ValidationError) as error:
            raise FingerprintError(
                f"the checkpoint is of another version of lstm-stream: {error}; go back to that version, or start with"
                " --rebuild to learn anew"
            ) from error

    def dump(self) -> State:
        """The whole state; changes nothing."""
        header, arrays = self.bank.dump()
        return State(self._header(header), arrays | self._repeated_hour.arrays())

    def dump_in_parts(self) -> Dump:
        """The same, to be taken block by block while more is folded."""
        dump = self.bank.dump_in_parts(self._repeated_hour.arrays())
        dump.header = self._header(dump.header)
        return dump

    def _header(self, bank: dict[str, object]) -> dict[str, object]:
        return {"next_offset": self.next_offset, "fingerprint": self._fingerprint, "bank": bank}

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
        began = firsts(batch, self.bank.names)
        forecasts = self._observe(batch, covariates)
        observed = self._clock()
        # In the order of the log, those of one record together: how often it is copied depends on that.
        refused = refusals(batch, forecasts, self._max_gap)
        rejects = sorted([*batch.rejects, *refused], key=lambda one: one[1].offset)
        told = published(batch, forecasts, publish)
        scores = self._score(batch, forecasts)
        letters = [] if publish == "none" else dead_letters(rejects)
        fold = Fold(
            self._encoded(batch, forecasts, told),
            letters,
            counts(forecasts, told, (reject for reject, _ in rejects), covariates, batch.skipped),
            {"decode": decoded - start, "observe": observed - decoded, "encode": self._clock() - observed},
            tuple(failure(fault, batch) for fault in self.bank.faults),
            Fates() if publish == "none" else Fates(fates(batch, forecasts, rejects, began), masked(covariates), known),
            Measures.nothing() if publish == "none" else measures(records, forecasts, told, scores),
        )
        self.next_offset = records[-1].offset + 1 if records else self.next_offset
        return fold

    def status(self) -> ShardStatus:
        """How the model is doing; changes nothing."""
        return shard_status(self.bank)

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
        key = self._surprises.recent(len(names)) if by == "surprise" else self.bank.diagnostics.error_ratios()
        known = np.flatnonzero(~np.isnan(key))
        first = known[np.argsort(-key[known], kind="stable")[:count]]
        return [(float(key[row]), names[row]) for row in first.tolist()]

    def series_status(self, name: str) -> SeriesStatus | None:
        """One series and its newest forecast; None if there is no such series, or nothing is known of it."""
        return series_status(name, self.bank, self._journal, self.topic, self.partition, self._levels)

    def table(self) -> Table:
        """All series in the order of `series`; a copy."""
        return Table(self.series(), self.bank.diagnostics.summaries(), *self._journal.surprises(len(self.bank.names)))

    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]:
        """The last values of a series, oldest first; none of one that is not known."""
        if not self.bank.observations(name):
            return ()
        return known(self.bank.diagnostics.recent(name, count)[1])

    def watch(self, names: Collection[str]) -> None:
        """Keep the forecasts of these series from now on, for `track`; no forecast depends on it."""
        self._journal.watch({self.bank.names[name] for name in names if name in self.bank.names})

    def track(self, name: str) -> tuple[Whole, ...]:
        """The last forecasts of a series that is watched, oldest first."""
        return self._journal.track(self.bank.names[name]) if name in self.bank.names else ()

    def _decoded(self, records: Sequence[Record]) -> Batch:
        batch = Batch([], [], [], [], [], [], [], [])
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
                batch.add(event, self._observations(event), record)
        return batch

    def _observations(self, event: Event) -> tuple[Observation, ...]:
        """An event's observations, each in the pass of the repeated hour that is meant."""
        if event.later is None or not event.observations:
            return event.observations
        time = self._repeated_hour.choose(event.series, event.observations[0].time, event.later)
        return tuple(one._replace(time=time) for one in event.observations)

    def _observe(self, batch: Batch, covariates: npt.NDArray[np.float64]) -> Forecasts:
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

    def _score(self, batch: Batch, forecasts: Forecasts) -> Scores:
        """Hold what came against what was published for it; no forecast depends on that."""
        names, count = self.bank.names, len(batch.observations)
        rows = np.fromiter((names[observation.series] for observation, _ in batch.observations), np.int64, count)
        times = np.fromiter((observation.time for observation, _ in batch.observations), np.int64, count)
        values = np.fromiter((observation.value for observation, _ in batch.observations), np.float64, count)
        self._surprises.note(rows, forecasts.surprise)
        return self._live_scores.score(rows, times, values, forecasts)

    def _encoded(self, batch: Batch, forecasts: Forecasts, told: npt.NDArray[np.int64]) -> list[Outgoing]:
        sources = [batch.observations[index] for index in told.tolist()]
        series = [observation.series for observation, _ in sources]
        offsets = [record.offset for _, record in sources]
        values = self._writer.write(series, offsets, forecasts.take(told))
        return [Outgoing(name.encode(), value) for name, value in zip(series, values, strict=True)]
