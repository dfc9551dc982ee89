"""The model for one series, in river's own terms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from river import time_series

from lstm_stream.bank import Bank
from lstm_stream.forecasts import Forecasts
from lstm_stream.grid import DAY, SECOND
from lstm_stream.hyperparameters import Hyperparameters

NAME = "y"


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
        Steps of the shorter season, a day; the longer one is seven of them. Where `timestamp` is given, the time
        stamps tell.
    timestamp
        Key of a `datetime` in ``x``; none where None.
    hidden_size
        Units of the LSTM.
    learning_rate
        Adam's.
    effort
        Learning steps relative to the default, one every four values.
    seed
        Of the initial weights and of the draws of replayed steps.

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
    """

    def __init__(
        self,
        horizon: int = 24,
        period: int = 24,
        timestamp: str | None = None,
        hidden_size: int = 48,
        learning_rate: float = 3e-3,
        effort: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.horizon = horizon
        self.period = period
        self.timestamp = timestamp
        self.hidden_size = hidden_size
        self.learning_rate = learning_rate
        self.effort = effort
        self.seed = seed
        self._time = -round(DAY / period * SECOND)
        self._bank = Bank(
            Hyperparameters(
                horizon=horizon,
                hidden_size=hidden_size,
                learning_rate=learning_rate,
                effort=effort,
                seed=seed,
                step="event",
            )
        )

    def learn_one(self, y: float, x: Mapping[str, object] | None = None) -> None:
        """Take the next value of the series.

        Parameters
        ----------
        y
            The value; NaN if it is missing.
        x
            Where `timestamp` is set, its time under that key; all else in it is left alone.
        """
        self._time = self._next_time(x)
        self._bank.observe([NAME], np.asarray([self._time]), np.asarray([y], np.float64))

    def forecast(self, horizon: int, xs: Sequence[Mapping[str, object]] | None = None) -> list[float]:  # noqa: ARG002
        """The means of the next steps; changes nothing.

        Parameters
        ----------
        horizon
            How many steps, at most the model's own horizon.
        xs
            Ignored: the calendar of the steps to come follows from the step.

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

    def _told(self, horizon: int) -> Forecasts | None:
        if horizon > self.horizon:
            raise ValueError(f"asked for {horizon} steps; make the model with horizon={horizon} to have so many")
        return self._bank.forecast([NAME]) if NAME in self._bank.names else None

    def _next_time(self, x: Mapping[str, object] | None) -> int:
        stamp = (x or {}).get(self.timestamp) if self.timestamp is not None else None
        if isinstance(stamp, datetime):
            given = stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
            return max(round(given.timestamp() * SECOND), self._time + 1)
        return self._time + round(DAY / self.period * SECOND)
