"""What came of a demo: its topics read back, every event accounted for, the forecasts scored against the last value."""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
from rich.table import Table as Grid

from lstm_stream import Observation
from pipeline.cluster import read_topic
from pipeline.events.decoder import Decoder
from pipeline.messages import ForecastMessage, decode_forecast
from pipeline.settings import Settings
from pipeline.web.status import Status


class SummaryError(Exception):
    """The books do not balance; the message says by how much."""


class Summary(msgspec.Struct, frozen=True):
    """What came of it: counts of the topics read back, and the forecasts' skill.

    Attributes
    ----------
    events
        Observations in the input topic, bad ones included.
    forecasts, dead_letters
        Records in their topics, with read_committed.
    late, repeated
        Observations that the daemon left out, by its own count.
    skipped
        Records, elements and values that are not for us; no part of the events.
    skill_vs_last_value
        1 - MAE / MAE of last value, one step ahead, each series by its own standard deviation.
    skill_real, skill_fleet
        The same of the real and of the generated series alone; None where there are none.
    seconds
        From the first event to the last forecast.
    events_per_second
        Over that time.
    """

    events: int
    forecasts: int
    dead_letters: int
    late: int
    repeated: int
    skipped: int
    skill_vs_last_value: float | None
    skill_real: float | None
    skill_fleet: float | None
    seconds: float
    events_per_second: float

    def check(self) -> None:
        """Raise SummaryError unless every event came to exactly one end."""
        accounted = self.forecasts + self.dead_letters + self.late + self.repeated
        if accounted != self.events:
            raise SummaryError(f"{self.events} events came to {accounted} ends: {msgspec.json.encode(self).decode()}")

    def table(self) -> Grid:
        """For people."""
        grid = Grid(title="What came of it (topics read back, read_committed)", title_justify="left", show_header=False)
        grid.add_column()
        grid.add_column(justify="right")
        grid.add_column()
        grid.add_row("events", f"{self.events:,}", "in the input topic")
        grid.add_row("= forecasts", f"{self.forecasts:,}", "one for each good event")
        grid.add_row("+ dead letters", f"{self.dead_letters:,}", "bad records, kept with the reason")
        grid.add_row("+ late", f"{self.late:,}", "older than the series' last event: left out")
        grid.add_row("+ repeated", f"{self.repeated:,}", "seen before: left out")
        if self.skipped:
            grid.add_row("skipped", f"{self.skipped:,}", "not meant for us, and no events")
        grid.add_section()
        grid.add_row("skill", _percent(self.skill_vs_last_value), "less error than last value, one step ahead")
        if self.skill_fleet is not None:
            grid.add_row("  real series", _percent(self.skill_real), "water flow, airline passengers")
            grid.add_row("  fleet", _percent(self.skill_fleet), "50 generated series with drift and level shifts")
        grid.add_section()
        grid.add_row("events/s", f"{self.events_per_second:,.0f}", f"over {self.seconds:.1f} s")
        return grid


def _percent(skill: float | None) -> str:
    return "-" if skill is None else f"{100 * skill:.1f} %"


def sum_up(settings: Settings, seconds: float, status: Status) -> Summary:
    """Read the topics back.

    Parameters
    ----------
    settings
        Those that the daemon ran with.
    seconds
        From the first event to the last forecast.
    status
        What the daemon said of itself then.
    """
    kafka, decoder = settings.kafka, Decoder(settings.events)
    records = (record for topic in kafka.inputs for record in read_topic(settings, topic))
    decoded = {(one.topic, one.partition, one.offset): decoder.decode(one) for one in records}
    forecasts = [decode_forecast(one.value or b"") for one in read_topic(settings, kafka.forecasts)]
    dead_letters = sum(1 for _ in read_topic(settings, kafka.dead_letters))
    events = sum(len(one.observations) + len(one.rejects) for one in decoded.values())
    truths = {(*place, each.series): each for place, one in decoded.items() for each in one.observations}
    errors = one_step_errors(truths, forecasts)
    return Summary(
        events=events,
        forecasts=len(forecasts),
        dead_letters=dead_letters,
        late=status.late,
        repeated=status.repeated,
        skipped=sum(len(one.skipped) for one in decoded.values()),
        skill_vs_last_value=skill(errors.values()),
        skill_real=skill(of for name, of in errors.items() if not name.startswith("fleet/")),
        skill_fleet=skill(of for name, of in errors.items() if name.startswith("fleet/")),
        seconds=round(seconds, 2),
        events_per_second=round(events / seconds, 1),
    )


class Errors(NamedTuple):
    """Sums of absolute errors one step ahead of one series, in its standard deviations."""

    model: float
    last_value: float


def one_step_errors(
    truths: Mapping[tuple[str, int, int, str], Observation], forecasts: Iterable[ForecastMessage]
) -> dict[str, Errors]:
    """Score each forecast's first step by the observation that the series' next forecast was made from.

    Parameters
    ----------
    truths
        Observations by topic, partition, offset and series.
    forecasts
        Those of one series in the order of the log.

    Returns
    -------
    dict
        By series. A series whose values do not vary, or with no two steps in a row, is left out.
    """
    by_series: dict[str, list[tuple[Observation, ForecastMessage]]] = {}
    for forecast in forecasts:
        source = forecast.source
        observation = truths[source.topic, source.partition, source.offset, forecast.series]
        by_series.setdefault(forecast.series, []).append((observation, forecast))
    errors = {name: _errors_of(pairs) for name, pairs in by_series.items()}
    return {name: of for name, of in errors.items() if of is not None}


def _errors_of(pairs: list[tuple[Observation, ForecastMessage]]) -> Errors | None:
    unit = float(np.nanstd([observation.value for observation, _ in pairs]))
    scored = [
        (abs(truth.value - forecast.mean[0]), abs(truth.value - last.value))
        for (last, forecast), (truth, _) in pairwise(pairs)
        if _is_next(last, truth, forecast.step_seconds) and math.isfinite(truth.value - last.value)
    ]
    if not scored or not unit > 0:
        return None
    model, last_value = (sum(column) / unit for column in zip(*scored, strict=True))
    return Errors(model, last_value)


def _is_next(last: Observation, truth: Observation, step: float | None) -> bool:
    """Whether there is no gap between the two."""
    return step is None or truth.time - last.time < 1.5e6 * step


def skill(errors: Iterable[Errors]) -> float | None:
    """1 - MAE / MAE of last value, over all observations of these series; None where nothing was scored."""
    each = list(errors)
    last_value = sum(of.last_value for of in each)
    return round(1 - sum(of.model for of in each) / last_value, 4) if last_value > 0 else None
