"""A batch of records taken apart, and what became of each of its observations."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Fault, Forecasts, Observation, Outcome, Scores
from pipeline.counts import Counts
from pipeline.dead_letters import Reject
from pipeline.events.decoder import Event
from pipeline.fates import FORECAST, LATE, REPEATED, SKIPPED, Fate
from pipeline.fold import Failure, Publish
from pipeline.measures import Measures
from pipeline.messages import Record, iso8601


class Batch(NamedTuple):
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

    def add(self, event: Event, observations: Sequence[Observation], record: Record) -> None:
        """Take an event of a record, with its observations as they are meant."""
        self.observations.extend((observation, record) for observation in observations)
        self.rejects.extend((reject, record) for reject in event.rejects)
        if observations:
            self.sizes.append(len(observations))
            self.covariates.append(event.covariates)
            self.indices.append(event.index)
            self.stood_in.append(event.stood_in)


def refusals(batch: Batch, forecasts: Forecasts, max_gap: int) -> Iterator[tuple[Reject, Record]]:
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


def failure(fault: Fault, batch: Batch) -> Failure:
    """What the model told of a fault, with the offset of the record that it came at."""
    return Failure(fault.series, batch.observations[fault.source][1].offset, fault.stage, fault.trace)


def firsts(batch: Batch, names: Mapping[str, int]) -> list[bool]:
    """Of each observation, whether it is the first of its series."""
    new: dict[str, int] = {}
    for index, (observation, _) in enumerate(batch.observations):
        if observation.series not in names:
            new.setdefault(observation.series, index)
    began = [False] * len(batch.observations)
    for index in new.values():
        began[index] = True
    return began


def fates(
    batch: Batch, forecasts: Forecasts, rejects: Iterable[tuple[Reject, Record]], began: list[bool]
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


def masked(covariates: npt.NDArray[np.float64]) -> tuple[tuple[bool, ...], ...]:
    """Which covariates of each event are not known."""
    return tuple(map(tuple, np.isnan(covariates).tolist())) if covariates.size else ()


def measures(records: Sequence[Record], forecasts: Forecasts, told: npt.NDArray[np.int64], scores: Scores) -> Measures:
    """What the metrics are told of these records."""
    times = np.fromiter((record.timestamp for record in records), np.int64, len(records))
    surprises = forecasts.surprise[~np.isnan(forecasts.surprise)]
    return Measures(forecasts.origin[told], times[times >= 0], surprises, scores)


def published(batch: Batch, forecasts: Forecasts, publish: Publish) -> npt.NDArray[np.int64]:
    """Which observations' forecasts go out."""
    made = np.flatnonzero(forecasts.outcome == Outcome.FORECAST)
    if publish == "every":
        return made
    newest = {batch.observations[index][0].series: index for index in made.tolist()} if publish == "latest" else {}
    return np.asarray(sorted(newest.values()), np.int64)


def counts(
    forecasts: Forecasts,
    told: npt.NDArray[np.int64],
    rejects: Iterable[Reject],
    covariates: npt.NDArray[np.float64],
    skipped: Iterable[str],
) -> Counts:
    """How many observations came to what."""
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
