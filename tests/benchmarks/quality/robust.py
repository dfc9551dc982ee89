"""Whether forecasts are finite whatever comes, and soon as good as before.

Letters: T rows of one series.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec
import numpy as np

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from pipeline.evaluation.actuals import Floats, Rows
from pipeline.evaluation.log import Log
from tests.benchmarks.quality.dataset import data_set, name_of, read
from tests.benchmarks.quality.markdown import grid
from tests.benchmarks.quality.track import HORIZON, HORIZONS, Track, by_origin, track
from tests.benchmarks.quality.workers import Start

BAR = 1.1
CALM = "undisturbed"


class Trial(msgspec.Struct, frozen=True):
    """One series, and what happens to it.

    Attributes
    ----------
    path, rows
        Of the set, and how many of its rows are shown.
    kind
        A key of `DISTURBANCES` or of `COMPANIONS`, or none of them.
    at, length
        Where a disturbance begins, and how many rows it takes.
    rest, window
        Rows after it before errors are looked at, and for how many rows.
    """

    path: str
    kind: str = CALM
    rows: int = 3000
    at: int = 2000
    length: int = 48
    rest: int = 200
    window: int = 200


class Stirred(msgspec.Struct, frozen=True):
    """Whether all forecasts were finite, and errors over the undisturbed run's by horizon."""

    name: str
    kind: str
    finite: bool
    ratios: dict[int, float]


class Robust(msgspec.Struct, frozen=True):
    """What came of each disturbance of each series."""

    stirred: tuple[Stirred, ...]

    def markdown(self) -> str:
        """A row a disturbance."""
        head = ["disturbance", "series", "all finite", *(f"MAE ratio, H = {h}" for h in HORIZONS), f"bar {BAR:g}"]
        return grid(head, [_cells(one) for one in self.stirred])


def _cells(one: Stirred) -> list[str]:
    good = one.finite and all(ratio <= BAR for ratio in one.ratios.values())
    ratios = (f"{ratio:.3f}" for ratio in one.ratios.values())
    return [one.kind, one.name, "yes" if one.finite else "NO", *ratios, "met" if good else "MISSED"]


def _spike(values: Floats, _: slice) -> Floats:
    return np.full_like(values[:1], 1e12)


def _stuck(values: Floats, span: slice) -> Floats:
    return np.full_like(values[span], values[span.start - 1])


def _zeros(values: Floats, span: slice) -> Floats:
    return np.zeros_like(values[span])


def _turned(values: Floats, span: slice) -> Floats:
    return -values[span]


def _turned_for_good(values: Floats, span: slice) -> Floats:
    return -values[span.start :]


Disturbance = Callable[[Floats, slice], Floats]
DISTURBANCES: Mapping[str, Disturbance] = MappingProxyType(
    {
        "one value of 1e12": _spike,
        "constant for a while": _stuck,
        "zeros for a while": _zeros,
        "signs turned for a while": _turned,
        "signs turned for good": _turned_for_good,
    }
)
"""What comes instead of the values from the beginning of a span on."""
COMPANIONS: Mapping[str, float] = MappingProxyType({"beside a constant series": 7.0, "beside a series of zeros": 0.0})
"""The only value of another series in the same bank."""


def robust(trials: Sequence[Trial], start: Start) -> Robust:
    """Disturb the series of each of these calm trials in every way."""
    kinds = [*DISTURBANCES, *COMPANIONS]
    calm = {trial: start(tracked, trial) for trial in trials}
    begun = [
        (trial, kind, start(tracked, msgspec.structs.replace(trial, kind=kind))) for trial in trials for kind in kinds
    ]
    return Robust(tuple(_stirred(trial, kind, calm[trial].result(), future.result()) for trial, kind, future in begun))


def tracked(trial: Trial) -> Track:
    """How a trial went; the disturbed series is the first."""
    log = _disturbed(read(trial.path, trial.rows).log, trial)
    data = data_set(name_of(trial.path), log, Rows(scale=trial.at // 2, score_from=trial.at, score_to=trial.rows))
    return track(Bank(Hyperparameters(horizon=HORIZON, step="event", max_gap=ANY_GAP)), data)


def _disturbed(log: Log, trial: Trial) -> Log:
    if trial.kind in DISTURBANCES:
        span = slice(trial.at, trial.at + trial.length)
        instead = DISTURBANCES[trial.kind](log.values, span)
        values = log.values.copy()
        values[trial.at : trial.at + len(instead)] = instead
        return log._replace(values=values)
    return _beside(log, COMPANIONS[trial.kind]) if trial.kind in COMPANIONS else log


def _beside(log: Log, value: float) -> Log:
    """The same with another series, whose values come after this one's."""
    count = len(log.values)
    return Log(
        names=(*log.names, "companion"),
        together=1,
        series=np.tile([0, 1], count),
        rows=np.repeat(log.rows, 2),
        times=np.repeat(log.times, 2),
        values=np.stack([log.values, np.full(count, value)], 1).ravel(),
        events=np.arange(2 * count),
        covariates=np.empty((2 * count, 0)),
    )


def _stirred(trial: Trial, kind: str, calm: Track, stirred: Track) -> Stirred:
    disturbed = {"one value of 1e12": 1, "signs turned for good": 0}.get(kind, trial.length)
    begin = trial.at + disturbed + trial.rest
    window = slice(begin, begin + trial.window)
    ratios = {
        h: float(by_origin(stirred.error[:1], h)[window].mean() / by_origin(calm.error[:1], h)[window].mean())
        for h in HORIZONS
    }
    return Stirred(name_of(trial.path), kind, stirred.finite, ratios)
