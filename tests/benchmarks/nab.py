"""How well `surprise` finds what people labelled: the Numenta Anomaly Benchmark, with its own scoring.

    python -m tests.benchmarks.nab FOLDER [--half first|second] [--jobs 2] [--out FILE.json]

FOLDER holds ``windows.json``, the labelled windows of each file, and the files, ``category__name.csv.gz``. Each is
shown to a bank of its own with the default settings, once, in order. A score is 100 for a perfect detector and 0 for
one that never alarms. As in NAB (Lavin and Ahmad 2015, "Evaluating real-time anomaly detection algorithms"):

- The first 15 % of a file's rows, and at most 750, are probation: what is said there does not count.
- An alarm is a score at or above a threshold, which is one for all files, and the best one for each profile.
- The first alarm of a window is rewarded by a sigmoid of its place: 1 at the window's first row, 0 at its last one.
  More alarms in it count for nothing. A window without an alarm costs the profile's weight of false negatives.
- An alarm outside costs the weight of false positives, less right behind a window, by the same sigmoid.

The extremes beside it are a rule without a model: how far a value lies beyond all that came before, over their range.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from lstm_stream import Bank, Hyperparameters
from lstm_stream.arithmetic import Doubles, Wholes
from pipeline.evaluation.log import read_log
from pipeline.files.tables import survey

PROBATION, MOST_PROBATION = 0.15, 750
"""Share of a file's rows, and rows at most."""
STEEPNESS, FAR = 5.0, 3.0
"""Of the sigmoid; in widths of a window, what is further behind it costs all."""
BATCH = 512


class Profile(NamedTuple):
    """What a detector is judged by."""

    name: str
    false_positive: float
    false_negative: float


PROFILES = (Profile("standard", 0.11, 1.0), Profile("low FP", 0.22, 1.0), Profile("low FN", 0.11, 2.0))


class Window(NamedTuple):
    """Rows of an anomaly, from the first to the last one."""

    first: int
    last: int


class Told(NamedTuple):
    """What a detector says of a file: a score a row, and what people labelled in it."""

    scores: Doubles  # (R,)
    windows: tuple[Window, ...]


class Score(msgspec.Struct, frozen=True):
    """What came of a profile."""

    profile: str
    points: float
    threshold: float
    found: int
    windows: int
    false: int  # alarms outside of windows


def score(told: Sequence[Told], profile: Profile) -> Score:
    """Score a detector with the threshold that is best for all files together."""
    alarms, rewards, windows = _alarms(told, profile)
    order = np.argsort(-alarms, kind="stable")
    alarms, rewards, windows = alarms[order], rewards[order], windows[order]
    gains = _gains(rewards, windows, profile)
    ends = np.flatnonzero(np.diff(alarms, append=-np.inf))  # of equal scores, the last
    count = sum(len(one.windows) for one in told)
    totals = np.cumsum(gains)[ends] - profile.false_negative * count
    best = int(np.argmax(totals)) if len(totals) else -1
    silent = -profile.false_negative * count
    if best < 0 or totals[best] <= silent:
        return Score(profile.name, 0.0, np.inf, 0, count, 0)
    said = windows[: ends[best] + 1]
    return Score(
        profile=profile.name,
        points=100.0 * float(totals[best] - silent) / (count - silent),
        threshold=float(alarms[ends[best]]),
        found=len(np.unique(said[said >= 0])),
        windows=count,
        false=int((said < 0).sum()),
    )


def _alarms(told: Sequence[Told], profile: Profile) -> tuple[Doubles, Doubles, Wholes]:
    """Scores of all rows behind probation, what an alarm is worth there, and in which window they lie; -1: in none."""
    scores, worth, within = [], [], []
    known = 0
    for one in told:
        rewards, windows = rewards_of(len(one.scores), one.windows)
        counted = slice(probation(len(one.scores)), None)
        scores.append(np.nan_to_num(one.scores)[counted])
        worth.append(np.where(windows < 0, profile.false_positive * rewards, rewards)[counted])
        within.append(np.where(windows < 0, -1, windows + known)[counted])
        known += len(one.windows)
    return np.concatenate(scores), np.concatenate(worth), np.concatenate(within)


def probation(rows: int) -> int:
    """How many of so many rows do not count."""
    return min(int(PROBATION * rows), MOST_PROBATION)


def rewards_of(rows: int, windows: Sequence[Window]) -> tuple[Doubles, Wholes]:
    """What an alarm in each of so many rows is worth before weights, and the window that it lies in; -1: in none."""
    rewards, within, places = np.full(rows, -1.0), np.full(rows, -1), np.arange(rows)
    for index, (first, last) in enumerate(sorted(windows)):
        width = last - first + 1
        inside, behind = slice(first, last + 1), slice(last + 1, None)
        rewards[inside] = _sigmoid((places[inside] - last - 1) / width) / _sigmoid(np.array(-1.0))
        rewards[behind] = _sigmoid((places[behind] - last) / max(width - 1, 1))
        within[inside] = index
    return rewards, within


def _sigmoid(place: Doubles) -> Doubles:
    """Between 1 far before and -1 far behind, 0 at 0."""
    inner = 2.0 / (1.0 + np.exp(STEEPNESS * np.minimum(place, FAR))) - 1.0
    return np.where(place > FAR, -1.0, inner)


def _gains(rewards: Doubles, windows: Wholes, profile: Profile) -> Doubles:
    """What each alarm adds to those before it, of alarms in the order of falling scores.

    Of a window counts the most valuable alarm, which is its first one.
    """
    gains, best = rewards.copy(), dict[int, float]()
    for place in np.flatnonzero(windows >= 0):
        window = int(windows[place])
        before = best.get(window, -profile.false_negative)
        best[window] = max(before, float(rewards[place]))
        gains[place] = best[window] - before
    return gains


# What detectors say


def surprises(path: Path) -> Doubles:
    """The surprise (R,) of each row of a file, 0 where there is none."""
    log, bank = read_log(survey(path)), Bank(Hyperparameters())
    told = [bank.observe(["a"] * len(part.values), part.times, part.values).surprise for part in log.batches(BATCH)]
    return np.nan_to_num(np.concatenate(told))


def extremes(path: Path) -> Doubles:
    """How far each value of a file lies beyond all before it, over their range, (R,)."""
    values = read_log(survey(path)).values
    highest, lowest = np.maximum.accumulate(values)[:-1], np.minimum.accumulate(values)[:-1]
    beyond = np.maximum(values[1:] - highest, lowest - values[1:])
    return np.append(0.0, np.maximum(beyond, 0.0) / np.maximum(highest - lowest, 1e-12))


# The files


def files_of(folder: Path, half: str | None = None) -> dict[Path, tuple[Window, ...]]:
    """Files with their windows; of a half every second one, by name."""
    labels = msgspec.json.decode((folder / "windows.json").read_bytes(), type=dict[str, list[tuple[str, str]]])
    begin, step = {None: (0, 1), "first": (0, 2), "second": (1, 2)}[half]
    chosen = sorted(labels)[begin::step]
    return {path: _windows(path, labels[name]) for name in chosen for path in [_path(folder, name)]}


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '__')}.gz"


def _windows(path: Path, labels: Sequence[tuple[str, str]]) -> tuple[Window, ...]:
    times = read_log(survey(path)).times
    ends = np.array(labels, "datetime64[us]").astype(np.int64).reshape(-1, 2)
    return tuple(
        Window(int(np.searchsorted(times, first)), int(np.searchsorted(times, last, "right")) - 1)
        for first, last in ends.tolist()
    )


def table(scores: Mapping[str, Sequence[Score]]) -> str:
    """A Markdown table of detectors."""
    head = "| detector | profile | points | threshold | windows found | false alarms |\n|---|---|---|---|---|---|"
    lines = [
        f"| {name} | {one.profile} | {one.points:.1f} | {one.threshold:.6f} | {one.found} of {one.windows} |"
        f" {one.false} |"
        for name, each in scores.items()
        for one in each
    ]
    return "\n".join([head, *lines])


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=("first", "second"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    files = files_of(options.folder, options.half)
    with ProcessPoolExecutor(options.jobs) as pool:
        said = {"surprise": list(pool.map(surprises, files)), "extremes": list(map(extremes, files))}
    scores = {
        name: [score([Told(*pair) for pair in zip(each, files.values(), strict=True)], one) for one in PROFILES]
        for name, each in said.items()
    }
    print(table(scores))
    if options.out:
        options.out.write_bytes(msgspec.json.encode(scores))


if __name__ == "__main__":
    main()
