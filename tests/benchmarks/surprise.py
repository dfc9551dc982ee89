"""How well `surprise` tells anomalies, beside a z-score on the residual of last value.

    python -m tests.benchmarks.surprise FOLDER [--only nyc_taxi taylor] [--seed 0] [--jobs 2] [--out FILE.json]

FOLDER holds CSV files. Each set is shown twice to a bank with the default settings but a horizon of one step: as it
is, and with anomalies put into its scored rows at random places, one in 200 rows, as often one kind as another:

- a *spike* is one value that is off by 4 to 8 times the standard deviation of the series' one-step differences before
  the scored rows, up or down;
- a *shift* is as large, and stays;
- a *flat* line is 12 to 48 rows that all repeat the value before them.

An anomaly is found by an alarm within its window: a spike's row, a shift's first 3, a flat line's own. The row after a
spike or a flat line, where the series comes back, counts for nothing. All other rows with an alarm are false alarms,
one by one. Precision is found / (found + false alarms), where those of a kind are held against all false alarms; recall
is found / all. By luck is the recall of the same windows where nothing was put in: long ones have a false alarm
anyway. Alarms are a surprise above .99, and a z-score above 3; best F1 is with the threshold that is best for the set
and kind. The z-score is |y[t] - y[t-1]| over the root of its mean square so far, with a memory of 200 rows.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from pipeline.evaluation.actuals import Floats, Rows, Split
from pipeline.evaluation.log import Log, read_log
from pipeline.files.tables import survey

Kind = Literal["spike", "shift", "flat"]
KINDS: tuple[Kind, ...] = ("spike", "shift", "flat")
LABELS: dict[str, tuple[Kind, ...]] = {kind: (kind,) for kind in KINDS} | {"all": KINDS}
EVERY = 200
"""Rows from one anomaly to the next, on average."""
MARGIN = 50
"""Of these, at their end, in which none begins."""
SIZES = (4.0, 8.0)
LENGTHS = (12, 48)
SHIFT_WINDOW = 3
SURPRISING = 0.99
FAR = 3.0
Z_MEMORY = 200
BATCH = 512
ROWS = {
    "ETTh1": Rows(2880, 3600, 6000),
    "ETTh2": Rows(2880, 3600, 6000),
    "ETTm1": Rows(4 * 2880, 4 * 3600, 4 * 6000),
}
"""Rows that are not by the share of a series' own."""


class Anomaly(msgspec.Struct, frozen=True):
    """One anomaly, with the rows [begin, end) in which an alarm finds it, and what it adds to values."""

    kind: Kind
    begin: int
    end: int
    size: float = 0.0


class Seen(NamedTuple):
    """What a detector says of one series: a score a row, NaN where it says nothing."""

    scores: Floats  # (R,)
    anomalies: tuple[Anomaly, ...]
    split: Split


class Found(msgspec.Struct, frozen=True):
    """How well a detector tells anomalies of some kind."""

    precision: float
    recall: float
    by_luck: float
    best_f1: float


class Outcome(msgspec.Struct, frozen=True):
    """What came of a set."""

    name: str
    rows: int
    anomalies: int
    above: float  # share of surprises above .99 where nothing was put in
    surprise: dict[str, Found]
    z_score: dict[str, Found]


# What is put in


def anomalies_for(values: Floats, split: Split, seed: Sequence[int]) -> tuple[Anomaly, ...]:
    """Anomalies for the scored rows of a series."""
    generator = np.random.default_rng(seed)
    places = np.arange(split.score_from, split.score_to - EVERY + 1, EVERY)
    kinds = [KINDS[kind] for _ in places for kind in generator.permutation(len(KINDS))]
    spread = _spread(values[: split.score_from])
    return tuple(_anomaly(kind, int(place), spread, generator) for kind, place in zip(kinds, places, strict=False))


def _anomaly(kind: Kind, place: int, spread: float, generator: np.random.Generator) -> Anomaly:
    begin = place + int(generator.integers(EVERY - MARGIN))
    size = float(generator.choice((-1, 1)) * generator.uniform(*SIZES) * spread)
    if kind == "flat":
        return Anomaly(kind, begin, begin + int(generator.integers(LENGTHS[0], LENGTHS[1] + 1)))
    return Anomaly(kind, begin, begin + (1 if kind == "spike" else SHIFT_WINDOW), size)


def _spread(values: Floats) -> float:
    """Standard deviation of one-step differences, 1 where that is not above 0."""
    return float(np.nanstd(np.diff(values))) or 1.0


def disturbed(values: Floats, anomalies: Iterable[Anomaly]) -> Floats:
    """The values with these put in."""
    values = values.copy()
    for each in anomalies:
        if each.kind == "flat":
            values[each.begin : each.end] = values[each.begin - 1]
        else:
            values[each.begin : each.end if each.kind == "spike" else None] += each.size
    return values


# What detectors say


def surprises(log: Log) -> Floats:
    """The surprise (N,) of each observation."""
    bank = Bank(Hyperparameters(horizon=1, step="event", max_gap=ANY_GAP, groups=log.together > 1))
    told = []
    for part in log.batches(BATCH):
        names = [log.names[index] for index in part.series]
        told.append(bank.observe(names, part.times, part.values, events=part.events).surprise)
    return np.concatenate(told)


def z_scores(values: Floats) -> Floats:
    """How many times its usual size the residual of last value is, (R,)."""
    scores, square = np.full(len(values), np.nan), 0.0
    residuals = np.abs(np.diff(values, prepend=np.nan))
    for row, residual in enumerate(residuals):
        if np.isnan(residual):
            continue
        scores[row] = residual / np.sqrt(square) if square else np.nan
        square += (residual**2 - square) / min(row, Z_MEMORY)
    return scores


# What it is worth


def found(told: Sequence[Seen], quiet: Sequence[Seen], kinds: Sequence[Kind], threshold: float) -> Found:
    """How well anomalies of these kinds are told in some series; `quiet` is of those without any."""
    peaks, luck, others = _peaks(told, kinds), _peaks(quiet, kinds), _others(told)
    hits, false = int((peaks > threshold).sum()), int((others > threshold).sum())
    return Found(
        precision=hits / max(hits + false, 1),
        recall=hits / max(len(peaks), 1),
        by_luck=float((luck > threshold).sum()) / max(len(luck), 1),
        best_f1=_best_f1(peaks, others),
    )


def _peaks(told: Iterable[Seen], kinds: Sequence[Kind]) -> Floats:
    """The highest score in each anomaly's window."""
    windows = (one.scores[each.begin : each.end] for one in told for each in one.anomalies if each.kind in kinds)
    return np.array([np.nan_to_num(window, nan=-1.0).max() for window in windows])


def _others(told: Iterable[Seen]) -> Floats:
    """The scores of scored rows that no anomaly explains."""
    return np.concatenate([np.nan_to_num(one.scores, nan=-1.0)[_unexplained(one)] for one in told])


def _unexplained(one: Seen) -> npt.NDArray[np.bool_]:
    rows = np.arange(len(one.scores))
    unexplained = (rows >= one.split.score_from) & (rows < one.split.score_to)
    for each in one.anomalies:
        unexplained[each.begin : each.end + (each.kind != "shift")] = False
    return unexplained


def _best_f1(peaks: Floats, others: Floats) -> float:
    """Over all thresholds that a peak just reaches."""
    thresholds = np.unique(peaks)
    hits = len(peaks) - np.searchsorted(np.sort(peaks), thresholds)
    false = len(others) - np.searchsorted(np.sort(others), thresholds)
    return float(np.max(2 * hits / (hits + false + len(peaks)), initial=0.0))


def outcome(name: str, log: Log, rows: Rows, seed: int) -> Outcome:
    """Show a set twice, and score what is said of it."""
    splits = [rows.of(series, int((log.series == index).sum())) for index, series in enumerate(log.names)]
    log = log.cut(log.rows < np.array([split.score_to for split in splits])[log.series])
    put = [anomalies_for(own, splits[i], (seed, i)) for i, own in enumerate(_by_series(log, log.values))]
    after = log._replace(values=_put_into(log, put))
    quiet, told = (_seen(_by_series(one, surprises(one)), put, splits) for one in (log, after))
    z_quiet, z_told = (_seen(_z_scores(one), put, splits) for one in (log, after))
    scored = np.concatenate([one.scores[one.split.score_from :] for one in quiet])
    return Outcome(
        name=name,
        rows=len(scored),
        anomalies=sum(map(len, put)),
        above=float((scored[~np.isnan(scored)] > SURPRISING).mean()),
        surprise={label: found(told, quiet, kinds, SURPRISING) for label, kinds in LABELS.items()},
        z_score={label: found(z_told, z_quiet, kinds, FAR) for label, kinds in LABELS.items()},
    )


def _by_series(log: Log, numbers: Floats) -> list[Floats]:
    return [numbers[log.series == index] for index in range(len(log.names))]


def _z_scores(log: Log) -> list[Floats]:
    return [z_scores(own) for own in _by_series(log, log.values)]


def _put_into(log: Log, put: Sequence[Sequence[Anomaly]]) -> Floats:
    values = log.values.copy()
    for index, anomalies in enumerate(put):
        own = log.series == index
        values[own] = disturbed(values[own], anomalies)
    return values


def _seen(scores: Sequence[Floats], put: Sequence[tuple[Anomaly, ...]], splits: Sequence[Split]) -> list[Seen]:
    return [Seen(*each) for each in zip(scores, put, splits, strict=True)]


# What is printed

HEAD = """\
| set: kind | above .99 | put in | precision | recall | by luck | best F1 | z: precision | recall | by luck | best F1 |
|---|---|---|---|---|---|---|---|---|---|---|"""


def lines(one: Outcome) -> Iterator[str]:
    """Rows of the table, one a kind."""
    for label in LABELS:
        cells = [f"{one.name}: {label}", f"{100 * one.above:.2f} %", str(one.anomalies)]
        both = (one.surprise[label], one.z_score[label])
        cells += [f"{x:.2f}" for each in both for x in (each.precision, each.recall, each.by_luck, each.best_f1)]
        yield "| " + " | ".join(cells) + " |"


def mean(outcomes: Sequence[Outcome]) -> Outcome:
    """Of several sets, each of which counts alike."""
    return Outcome(
        name="mean",
        rows=sum(one.rows for one in outcomes),
        anomalies=sum(one.anomalies for one in outcomes),
        above=float(np.mean([one.above for one in outcomes])),
        surprise={label: _mean([one.surprise[label] for one in outcomes]) for label in LABELS},
        z_score={label: _mean([one.z_score[label] for one in outcomes]) for label in LABELS},
    )


def _mean(each: Sequence[Found]) -> Found:
    means = np.mean([(one.precision, one.recall, one.by_luck, one.best_f1) for one in each], 0)
    return Found(*means.tolist())


def run(folder: Path, seed: int, name: str) -> Outcome:
    """Measure a set of a folder."""
    return outcome(name, read_log(survey(folder / f"{name}.csv.gz")), ROWS.get(name, Rows()), seed)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    names = options.only or sorted(path.name.removesuffix(".csv.gz") for path in options.folder.glob("*.csv.gz"))
    outcomes = []
    print(HEAD)
    with ProcessPoolExecutor(options.jobs) as pool:
        for one in pool.map(partial(run, options.folder, options.seed), names):
            outcomes.append(one)
            print("\n".join(lines(one)), flush=True)
    print("\n".join(lines(mean(outcomes))))
    if options.out:
        options.out.write_bytes(msgspec.json.encode(outcomes))


if __name__ == "__main__":
    main()
