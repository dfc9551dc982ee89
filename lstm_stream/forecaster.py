"""The model for one series, in river's own terms."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from river import time_series

from lstm_stream.bank import Bank
from lstm_stream.forecasts import Forecasts
from lstm_stream.hyperparameters import ANY_GAP, Hyperparameters
from lstm_stream.seasons import DAY, SECOND
from lstm_stream.weights import PretrainedWeights

NAME = "y"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST = 1e30
"""What is larger is no number to learn from."""


class LSTMForecaster(time_series.base.Forecaster):
    """A stateful LSTM that learns from each value as it arrives: a `Bank` of one series.

    Each call of `learn_one` is the next step of the series. The hidden and cell state are carried from call to call;
    learning is truncated back-propagation through time from the carried state, on the newest steps and on replayed
    older ones.

    Parameters
    ----------
    horizon
        The most steps that `forecast` can be asked for.
    period
        Steps of the shorter season, at least 2; the longer one is seven of them. Where values have time stamps, these
        tell instead: day and week below a day, week and year of daily values, the year of weeks, months and quarters.
    timestamp
        Key of a `datetime` or `date` in ``x``, in UTC if it tells no zone. None: that of the only one which comes with
        the first value, if there is just one.
    covariates
        Keys of numbers in ``x`` that are known with a value and may tell something of those to come. What is known
        ahead of its time, such as a holiday, tells more in the step before it. None: there are none.
    hidden_size
        Units of the LSTM.
    learning_rate
        Adam's.
    effort
        Learning steps relative to the default: one every 16 values at first, fewer later.
    seed
        Of the initial weights and of the draws of replayed steps.
    weights
        Of the pretrained network, such as `PretrainedWeights.of_bytes` reads from a file that `lstm-stream pretrain`
        made. None: those of the package.

    Notes
    -----
    `river.evaluate.evaluate` (of river 0.26) asks for a forecast before it tells the newest value, and holds it against
    the values after that one: all forecasters are measured a step too late.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997).

    Examples
    --------
    >>> import math
    >>> from lstm_stream import LSTMForecaster
    >>> model = LSTMForecaster(horizon=6, period=12)
    >>> for t in range(600):
    ...     model.learn_one(math.sin(2 * math.pi * t / 12))
    >>> truth = [math.sin(2 * math.pi * (599 + step) / 12) for step in (1, 2, 3)]
    >>> all(abs(told - came) < 0.15 for told, came in zip(model.forecast(3), truth))
    True

    In river's evaluation, beside one of its own; the season of twelve months comes from the time stamps.

    >>> from river import datasets, evaluate, metrics, time_series
    >>> def errors(model):
    ...     return evaluate.evaluate(datasets.AirlinePassengers(), model, metrics.MAE(), horizon=4).get()
    >>> holt_winters = errors(time_series.HoltWinters(alpha=0.1))
    >>> [ours < 0.9 * theirs for ours, theirs in zip(errors(LSTMForecaster(horizon=4)), holt_winters)]
    [True, True, True, True]
    """

    def __init__(
        self,
        horizon: int = 24,
        period: int = 24,
        timestamp: str | None = None,
        covariates: tuple[str, ...] | None = None,
        hidden_size: int = 64,
        learning_rate: float = 5e-3,
        effort: float = 1.0,
        seed: int = 0,
        weights: PretrainedWeights | None = None,
    ) -> None:
        if period < 2:
            raise ValueError(f"period={period} is no season; let it be at least 2, or leave it where there is none")
        if isinstance(covariates, str):
            raise TypeError(f"covariates={covariates!r} is one key; let it be a tuple of keys: ({covariates!r},)")
        self.horizon = horizon
        self.period = period
        self.timestamp = timestamp
        self.covariates = covariates or None  # river clones no empty tuple
        self.hidden_size = hidden_size
        self.learning_rate = learning_rate
        self.effort = effort
        self.seed = seed
        self.weights = weights
        self._bank = Bank(
            Hyperparameters(
                horizon=horizon,
                hidden_size=hidden_size,
                learning_rate=learning_rate,
                effort=effort,
                covariates=len(covariates or ()),
                step="event",
                max_gap=ANY_GAP,
                seed=seed,
            ),
            weights=weights,
        )
        self._stamp: str | None = None
        self._time: int | None = None

    def learn_one(self, y: float | None, x: Mapping[str, object] | None = None) -> None:
        """Take the next value of the series.

        Parameters
        ----------
        y
            The value. It is missing where it is None, NaN, infinite or beyond 1e30.
        x
            Its time stamp and covariates, by their keys; all else in it is left alone. A covariate that is absent or
            no such number is not known. A stamp that is not later than the last one counts as just after it.
        """
        known = x or {}
        if self._time is None:
            self._begin(known)
        self._time = self._next_time(known)
        covariates = [_number(known.get(key)) for key in self.covariates or ()]
        self._bank.observe(
            [NAME],
            np.asarray([self._time]),
            np.asarray([_number(y if y is None else float(y))]),
            covariates=np.asarray([covariates], np.float64),
        )
        for fault in self._bank.faults:
            warnings.warn(f"the model failed and starts anew: {fault.trace}", RuntimeWarning, stacklevel=2)

    def forecast(self, horizon: int, xs: Sequence[Mapping[str, object]] | None = None) -> list[float]:  # noqa: ARG002
        """The means of the next steps; changes nothing.

        Parameters
        ----------
        horizon
            How many steps, at most the model's own horizon.
        xs
            Ignored. The calendar of the steps to come follows from the step; covariates of theirs are of no use to
            the model, which reads those known with the values up to now.

        Raises
        ------
        ValueError
            More steps are asked for than the model was made for.
        """
        told = self._told(horizon)
        return [0.0] * horizon if told is None else told.mean[0, :horizon].tolist()

    def forecast_quantiles(self, horizon: int) -> dict[float, list[float]]:
        """Quantiles of the next steps by their level; changes nothing."""
        told, levels = self._told(horizon), self._bank.rules.quantiles
        if told is None:
            return {level: [0.0] * horizon for level in levels}
        return {level: told.quantiles[0, :horizon, i].tolist() for i, level in enumerate(levels)}

    def _begin(self, x: Mapping[str, object]) -> None:
        """Let the first value tell where time stamps are; without any, the step is fixed so that a season is a day."""
        self._stamp = self.timestamp or _only_stamp(x)
        if self._stamp is None:
            self._bank = Bank(replace(self._bank.rules, step=DAY / self.period), weights=self.weights)

    def _told(self, horizon: int) -> Forecasts | None:
        """The newest forecast; None before the first value."""
        if horizon > self.horizon:
            raise ValueError(f"asked for {horizon} steps; make the model with horizon={horizon} to have so many")
        return self._bank.forecast([NAME]) if self._bank.observations(NAME) else None

    def _next_time(self, x: Mapping[str, object]) -> int:
        """Microseconds since the epoch; where there is no time stamp, a season takes a day."""
        given = None if self._stamp is None else _microseconds(x.get(self._stamp))
        if self._time is None:
            return given or 0
        return self._time + round(DAY / self.period * SECOND) if given is None else max(given, self._time + 1)


def _only_stamp(x: Mapping[str, object]) -> str | None:
    """The key of the one time stamp; None where there is none or more than one."""
    keys = [key for key, value in x.items() if _microseconds(value) is not None]
    return keys[0] if len(keys) == 1 else None


def _microseconds(stamp: object) -> int | None:
    """Microseconds since the epoch of a date or a time; None for anything else."""
    if not isinstance(stamp, date) or stamp != stamp:  # pandas' NaT is no time, and not equal to itself
        return None
    if not isinstance(stamp, datetime):
        stamp = datetime(stamp.year, stamp.month, stamp.day)
    return ((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)


def _number(value: object) -> float:
    """NaN for what is no number to learn from; true is 1."""
    if isinstance(value, int | float | np.integer | np.floating | np.bool_) and -LARGEST <= value <= LARGEST:
        return float(value)
    return math.nan
