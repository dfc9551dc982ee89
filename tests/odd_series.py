"""Odd series: what sensors, clocks and producers send on their worst days, drawn from a seed.

Letters: S series, N observations, C covariates.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Hyperparameters

SECOND = 1_000_000
"""Microseconds."""
LARGEST = 1e30
"""In size; the daemon refuses more."""
FIRST_TIME, LAST_TIME = -62_135_596_800 * SECOND, 253_402_300_799 * SECOND
"""The years 1 to 9999."""
STEPS = (0.001, 0.01, 0.5, 1.0, 7.0, 60.0, 900.0, 3600.0, 10800.0, 86400.0, 604800.0, 2629800.0, 7889400.0, 31557600.0)
"""Seconds, from 1 ms to a year."""

Values = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Random = np.random.Generator


class Log(NamedTuple):
    """Observations of several series in the order in which they come."""

    series: list[str]
    times: Times  # (N,)
    values: Values  # (N,)
    events: Times  # (N,)
    covariates: Values  # (N, C)

    def part(self, begin: int, end: int) -> "Log":
        return Log(
            self.series[begin:end],
            self.times[begin:end],
            self.values[begin:end],
            self.events[begin:end],
            self.covariates[begin:end],
        )


class Odd(NamedTuple):
    """A bank's rules, and a log for it."""

    kind: str
    rules: Hyperparameters
    log: Log


def odd(seed: int) -> Odd:
    """What a seed stands for: a long series alone, a group, or very many short series."""
    random = np.random.default_rng(seed)
    kind = str(random.choice(["alone", "group", "few", "many"], p=[0.2, 0.2, 0.1, 0.5]))
    if kind == "alone":
        return small(random, kind, series=1, rows=int(random.choice([1, 2, 12, 200, 800, 1500, 3000])))
    if kind == "group":
        return small(random, kind, series=int(random.integers(2, 24)), rows=int(random.integers(30, 400)))
    if kind == "few":
        return small(random, kind, series=int(random.integers(2, 40)), rows=int(random.integers(10, 200)))
    return small(random, kind, series=int(random.integers(500, 4000)), rows=int(random.integers(10, 60)))


def small(random: Random, kind: str, series: int, rows: int) -> Odd:
    """Odd rules, and a log of so many series, none longer than so many rows."""
    chosen = rules(random, kind, series)
    log = of_group(random, chosen, series, rows) if kind == "group" else of_series(random, chosen, series, rows)
    return Odd(kind, chosen, log)


def rules(random: Random, kind: str, series: int) -> Hyperparameters:
    """Mostly small, so that many can be tried; each extreme now and then."""
    many, alone = series >= 300, series == 1
    horizon = int(random.choice([1, 3, 6, 24], p=[0.3, 0.3, 0.3, 0.1]) if many else random.choice([1, 2, 4, 7, 24, 48]))
    if series < 40 and random.random() < 0.05:
        horizon = 1000 if alone else 200
    window = int(random.choice([1, 2, 8, 13] if many else [1, 2, 8, 13, 48]))
    levels = 3 if many else int(random.choice([1, 2, 3, 9, 99], p=[0.1, 0.1, 0.6, 0.1, 0.1]))
    return Hyperparameters(
        horizon=horizon,
        quantiles=tuple(np.round((np.arange(levels) + 1) / (levels + 1), 4).tolist()),
        hidden_size=int(random.choice([1, 2, 8] if many else [1, 2, 8, 48])),
        window=window,
        windows=int(random.choice([1, 4] if many else [1, 4, 16])),
        replay=int(random.choice([1, 16, 256])),
        memory=_memory(random, window + horizon, alone),
        effort=float(random.choice([0.1, 0.3] if many else [0.0, 0.1, 1.0])),
        learning_rate=float(random.choice([3e-3, 1.0], p=[0.9, 0.1])),
        covariates=int(random.choice([0, 0, 1, 3])),
        groups=kind == "group",
        step=_rule_of_steps(random),
        max_gap=int(random.choice([0, 0, 1, 4] if many else [0, 1, 6, 24])),
        restart_after=int(random.choice([1, 3, 20])),
        seed=int(random.integers(100)),
    )


def _memory(random: Random, least: int, alone: bool) -> int:
    """As little as may be, just as much as some season needs, or plenty."""
    if random.random() < 0.3:
        return max(least, int(random.choice([49, 72, 73, 216])))
    return least + int(random.choice([0, 1, 24, 100, 400] + [2048] * alone))


def _rule_of_steps(random: Random) -> Literal["infer", "event"] | float:
    if random.random() < 0.25:
        return float(random.choice(STEPS))
    return "event" if random.random() < 0.3 else "infer"


def of_series(random: Random, chosen: Hyperparameters, series: int, rows: int) -> Log:
    """Series of any length that come in any order, each in events of its own."""
    lengths = np.where(random.random(series) < 0.5, rows, random.integers(1, rows + 1, series))
    which = np.repeat(np.arange(series), lengths)
    turn = np.concatenate([_turns(random, length, rows, series) for length in lengths.tolist()])
    begin = random.random(series) * random.choice([0.0, 1.0])  # all at once, or one after another
    order = np.argsort(turn + begin[which], kind="stable")
    step = float(random.choice(STEPS))
    times = np.concatenate([odd_times(random, length, step) for length in lengths.tolist()])[order]
    values = np.concatenate([odd_values(random, length) for length in lengths.tolist()])[order]
    count = len(order)
    return Log(
        [f"s{i}" for i in which[order].tolist()],
        times,
        values,
        np.arange(count),
        odd_covariates(random, count, chosen.covariates),
    )


def _turns(random: Random, length: int, rows: int, series: int) -> Values:
    """When a series comes, 0 to 1: at any time, or where there are many series each once in turn."""
    if series < 300:
        return np.sort(random.random(length))
    turns: Values = (np.arange(length) + 0.2 * random.random(length)) / rows
    return turns


def of_group(random: Random, chosen: Hyperparameters, series: int, rows: int) -> Log:
    """Events that hold several series each, whose members come and go."""
    times = odd_times(random, rows, float(random.choice(STEPS)))
    columns = np.stack([odd_values(random, rows) for _ in range(series)], 1)  # (rows, S)
    here = random.random((rows, series)) < random.choice([0.3, 0.9, 1.0])
    born = random.integers(0, max(rows // 2, 1), series) * (random.random(series) < 0.5)
    dies = np.where(random.random(series) < 0.3, random.integers(1, rows + 1, series), rows)
    row = np.arange(rows)[:, None]
    here &= (row >= born) & (row < dies)
    groups = random.integers(0, random.choice([1, 1, 3]), series)  # events of several groups in turn
    event, member = np.nonzero(here)
    order = np.lexsort((member, groups[member], event))
    event, member = event[order], member[order]
    number = np.cumsum(np.diff(event * 8 + groups[member], prepend=-1) != 0)
    covariates = odd_covariates(random, len(event) + 1, chosen.covariates)[np.minimum(number, len(event))]
    return Log([f"s{i}" for i in member.tolist()], times[event], columns[event, member], number, covariates)


def odd_covariates(random: Random, rows: int, count: int) -> Values:
    """Numbers known with events: absent, missing at times, constant, or huge."""
    columns = [_covariate(random, rows) for _ in range(count)]
    return np.stack(columns, 1) if columns else np.zeros((rows, 0))


def _covariate(random: Random, rows: int) -> Values:
    kind = int(random.integers(5))
    values = random.normal(size=rows) * 10.0 ** random.uniform(-20, 20)
    if kind == 0:
        return np.full(rows, np.nan)
    if kind == 1:
        return np.full(rows, 1e30)
    if kind == 2:
        return np.where(random.random(rows) < 0.5, 1.7e308, -1.7e308)
    return np.where(random.random(rows) < 0.3, np.nan, values) if kind == 3 else values


# Values


def odd_values(random: Random, length: int) -> Values:
    """One series: a mixture of kinds, spoilt a few times."""
    values = _kind(random, length)
    if random.random() < 0.3:
        cut = int(random.integers(length + 1))
        values[cut:] = _kind(random, length)[cut:]
    for _ in range(int(random.integers(0, 5))):
        values = SPOILERS[int(random.integers(len(SPOILERS)))](random, values)
    return np.clip(values, -LARGEST, LARGEST)


def _kind(random: Random, length: int) -> Values:
    values = KINDS[int(random.integers(len(KINDS)))](random, length)
    size = 10.0 ** random.choice([0, 0, 0, random.uniform(-3, 6), random.uniform(-30, 30), 30.0, -30.0, -308.0])
    return np.asarray(size * values + random.choice([0.0, 0.0, 1.0, 50.0, -1e6, 1e12]) * size)


def _season(random: Random, length: int) -> Values:
    period = float(random.choice([4, 7, 12, 24, 48, 168]))
    noise = random.normal(size=length) * random.choice([0.0, 0.01, 0.1, 1.0])
    return np.asarray(np.sin(np.arange(length) * 2 * np.pi / period + random.uniform(0, 6)) + noise)


def _alternating(_: Random, length: int) -> Values:
    return np.asarray(1 - 2 * (np.arange(length) % 2), np.float64)


def _growth(random: Random, length: int) -> Values:
    grown: Values = np.exp(np.minimum(np.arange(length) * random.uniform(-2, 2), 60.0))
    return grown


def _sawtooth(random: Random, length: int) -> Values:
    return np.asarray(np.arange(length) % int(random.integers(2, 30)), np.float64)


KINDS: tuple[Callable[[Random, int], Values], ...] = (
    _season,
    _season,
    _season,
    lambda _, length: np.zeros(length),
    lambda _, length: np.ones(length),
    lambda random, length: random.normal(size=length),
    lambda random, length: np.cumsum(random.normal(size=length)),
    lambda random, length: random.standard_cauchy(length),
    lambda _, length: np.arange(length, dtype=np.float64),
    lambda random, length: np.cumsum(random.integers(0, 3, length)).astype(np.float64),
    _alternating,
    _growth,
    lambda random, length: (random.random(length) < 0.03).astype(np.float64),
    lambda random, length: random.integers(0, 2, length).astype(np.float64),
    lambda random, length: np.round(_season(random, length)),
    lambda random, length: 10.0 ** random.uniform(-30, 30, length) * random.choice([-1, 1], length),
    _sawtooth,
    lambda _, length: np.full(length, np.nan),
)


def _stretch(random: Random, length: int) -> slice:
    begin = int(random.integers(length))
    return slice(begin, begin + 1 + int(random.integers(random.choice([2, 30, 200, 3000]))))


def _stuck(random: Random, values: Values) -> Values:
    stretch = _stretch(random, len(values))
    values[stretch] = values[stretch.start]
    return values


def _put(number: float) -> Callable[[Random, Values], Values]:
    def spoilt(random: Random, values: Values) -> Values:
        values[_stretch(random, len(values))] = number
        return values

    return spoilt


def _times(random: Random, values: Values) -> Values:
    factor = random.choice([-1.0, 10.0, 0.1, 1000.0, 1e-3, 1e12, 1e-12, 1e9, 1e-9, 1.8, -1e3])
    values[_stretch(random, len(values))] *= factor
    return values


def _shifted(random: Random, values: Values) -> Values:
    values[_stretch(random, len(values))] += random.choice([1.0, -100.0, 1e12, -1e12, 1e30])
    return values


def _spiked(random: Random, values: Values) -> Values:
    hit = random.random(len(values)) < random.choice([0.01, 0.1])
    values[hit] = random.choice([1e12, -1e12, 1e-12, -1e-12, 1e30, -1e30, 0.0, 5e-324])
    return values


def _holes(random: Random, values: Values) -> Values:
    values[random.random(len(values)) < random.choice([0.1, 0.5, 0.95])] = np.nan
    return values


def _every_other(random: Random, values: Values) -> Values:
    values[:: int(random.integers(2, 5))] = random.choice([np.nan, 0.0, 1e30, -1e30])
    return values


def _repeating(random: Random, values: Values) -> Values:
    return np.asarray(np.repeat(values, int(random.integers(2, 20)))[: len(values)])


SPOILERS: tuple[Callable[[Random, Values], Values], ...] = (
    _stuck,
    _stuck,
    _put(0.0),
    _put(np.nan),
    _put(1e30),
    _times,
    _times,
    _shifted,
    _spiked,
    _holes,
    _every_other,
    _repeating,
)


# Times


def odd_times(random: Random, length: int, step: float) -> Times:
    """One series' stamps, in microseconds: mostly a step apart."""
    gaps = np.full(length, step * SECOND)
    if random.random() < 0.2:
        gaps *= random.choice([0.97, 1.0, 1.03]) * random.uniform(0.7, 1.3, length)  # jitter
    if random.random() < 0.1:
        gaps *= 10.0 ** random.uniform(-3, 3, length)  # no rhythm at all
    for _ in range(int(random.integers(0, 4))):
        CLOCKS[int(random.integers(len(CLOCKS)))](random, gaps)
    start = float(random.choice([0.0, 1.7e9 * SECOND, float(FIRST_TIME), float(LAST_TIME) - 1e15]))
    return np.clip(start + np.cumsum(gaps), FIRST_TIME, LAST_TIME).astype(np.int64)


def _gap(random: Random, gaps: Values) -> None:
    gaps[random.integers(len(gaps))] *= random.choice([2, 3, 6, 7, 8, 25, 169, 1e4, 1e9])


def _gaps(random: Random, gaps: Values) -> None:
    gaps[random.random(len(gaps)) < 0.1] *= random.choice([2, 5, 8, 30])


def _repeats(random: Random, gaps: Values) -> None:
    gaps[random.random(len(gaps)) < random.choice([0.05, 0.9])] = 0.0


def _jump(random: Random, gaps: Values) -> None:
    """One stamp is wrong, and the next is right again."""
    at, off = int(random.integers(len(gaps))), gaps[0] * random.choice([-1e9, -1e3, -3, 3, 1e3, 1e6, 1e9])
    gaps[at] += off
    gaps[at + 1 : at + 2] -= off


def _back(random: Random, gaps: Values) -> None:
    """A backfill, or a restart from an older time."""
    gaps[random.integers(len(gaps))] -= gaps[0] * random.choice([2, 10, 500, 1e8])


def _other_step(random: Random, gaps: Values) -> None:
    gaps[random.integers(len(gaps)) :] *= random.choice([0.01, 0.5, 2.0, 10.0, 400.0])


CLOCKS: tuple[Callable[[Random, Values], None], ...] = (_gap, _gaps, _repeats, _jump, _jump, _back, _other_step)
