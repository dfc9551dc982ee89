"""Many series, one network: what the daemon's shards and `LSTMForecaster` are made of.

Letters: S series, N observations of a call, H horizons, L quantile levels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Floats, Wholes
from lstm_stream.call import AGAIN, END, FAULTY, LEFT, Call, CallWorkspace
from lstm_stream.columns import Array, Columns, dumped, fill, grown, over, under
from lstm_stream.diagnostics import Diagnostics
from lstm_stream.dumping import Dump
from lstm_stream.experts import EXPERTS
from lstm_stream.faults import Fault
from lstm_stream.features import Columns as FeatureColumns
from lstm_stream.fold import go_through, write_forecast
from lstm_stream.forecasts import ExpertForecasts, Forecasts
from lstm_stream.grid import Rhythm
from lstm_stream.group_regression import Groups
from lstm_stream.groups import most_to_come, total, with_room
from lstm_stream.header import FORMAT, DumpError, Header, check_format
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.learning import Learning
from lstm_stream.network import Network
from lstm_stream.notes import SEEN
from lstm_stream.pooled import MOST_STEPS
from lstm_stream.readout import ONE
from lstm_stream.references import References
from lstm_stream.rows import Rows
from lstm_stream.state import Members, Parts, Tables, Workspace
from lstm_stream.weights import PretrainedWeights, chosen, kept


class Bank:
    """A stateful LSTM over many series, that learns from each observation.

    What `observe` returns and becomes depends on the observations and their order alone: however they are split
    over calls, the forecasts have the same bits (with the same libraries on the same kind of processor). So all
    that touches several series at once, which is the learning, happens at fixed counts of steps.

    Parameters
    ----------
    rules
        What the bank is built from.
    network
        Class of the network: `Network`, unless what it is worth is to be measured.
    weights
        Of the pretrained network; None: those of the package.

    Examples
    --------
    >>> import numpy as np
    >>> bank = Bank(Hyperparameters(horizon=3))
    >>> hour = 3_600_000_000
    >>> forecasts = bank.observe(["a", "b", "a"], np.array([0, 0, hour]), np.array([1.0, 5.0, 2.0]))
    >>> forecasts.mean.round(1).tolist()
    [[1.0, 1.0, 1.0], [5.0, 5.0, 5.0], [2.0, 1.9, 1.9]]
    """

    def __init__(
        self,
        rules: Hyperparameters | None = None,
        network: type[Network] = Network,
        weights: PretrainedWeights | None = None,
    ) -> None:
        self.rules = rules = rules or Hyperparameters()
        self.weights = weights = chosen(weights, rules.pretrained)
        self._tables = Tables.of(rules)
        self._rhythm = Rhythm.of(rules)
        self._rows = Rows(rules, self._tables.features.total, weights.units)
        self._groups = Groups.empty(rules.horizon)
        self._learning = Learning(rules, self._tables, network, weights)
        self._members = Members.room(1, self._tables, rules)
        self._work = Workspace.of(self._tables, rules, weights.units)
        self._refer = References()
        self._workspace = CallWorkspace(rules.horizon, len(rules.quantiles), rules.covariates)
        self._nothing = ExpertForecasts.zeros(0, EXPERTS, rules.horizon)
        self._dump = Dump({}, {})
        self.faults: list[Fault] = []
        """What went wrong in the last call of `observe`; there should be none."""

    # What comes in

    def observe(
        self,
        series: Sequence[str],
        times: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        *,
        events: npt.NDArray[np.int64] | None = None,
        covariates: npt.NDArray[np.float64] | None = None,
        by_expert: ExpertForecasts | None = None,
    ) -> Forecasts:
        """Take observations in the order of the log, learn, and forecast from each of them.

        Parameters
        ----------
        series
            Name of each observation's series, (N,); one may occur any number of times.
        times
            Microseconds since the epoch, (N,); beyond 36,000 years of it they count as that.
        values
            Finite, or NaN for a missing one, (N,).
        events
            Which event each observation came in, never falling, (N,); None: each in one of its own. The series of
            one event inform each other. An event lies in one call as a whole.
        covariates
            Numbers known with each observation, (N, C), NaN where one is not; None: none are known.
        by_expert
            Where to write what the experts said; rows without a forecast stay as they are.
        """
        self.faults = []
        rows = self._rows.of(series)
        self._dump.keep(rows)
        call, forecasts = self._workspace.take(len(rows))
        call.take(rows, times, values, events, covariates)
        self._make_room(call)
        position, through = np.asarray([0, 0, -1, -1, 0]), False
        while not through:
            through = self._go_on(call, position, forecasts, by_expert or self._nothing)
            if position[AGAIN] >= 0:
                self._rows.start_again(int(rows[position[AGAIN]]))
                position[AGAIN] = -1
            for m in range(int(position[FAULTY])):
                self._begin_anew(int(self._members.sources[m]), call, position, forecasts, by_expert)
            position[FAULTY] = 0
            self.faults += self._learning.learn(self._rows.state, self._rows.series, int(position[END]) - 1)
        return self._workspace.hand_out(forecasts)

    def _go_on(self, call: Call, position: Wholes, forecasts: Forecasts, by_expert: ExpertForecasts) -> bool:
        """Go on until something is to be learnt, or to the end; tells whether it was to the end."""
        learning = self._learning
        parts = Parts(
            self._rows.state,
            self._rows.series,
            self._groups,
            learning.replay,
            self._rhythm,
            self._tables,
            learning.shared,
            learning.pooled.notes,
            self._members,
            self._work,
            call,
            forecasts,
            by_expert,
        )
        numbers = learning.folded, learning.due, learning.offered
        through: bool = go_through(self._refer.together(parts), position, learning.counts, *numbers)
        return through

    def _begin_anew(
        self, n: int, call: Call, position: Wholes, forecasts: Forecasts, by_expert: ExpertForecasts | None
    ) -> None:
        """Forget a series that came to something not finite, but for its last value, which is what is forecast."""
        i, value = int(call.rows[n]), float(call.values[n])
        history = self._rows.state.history
        latest = float(history.latest[i])
        filled = position[LEFT] + 1 > 0 or math.isnan(value)
        self.faults.append(Fault(list(self.names)[i], n, "step", "a step came to something that is not finite"))
        self._rows.forget(i)
        history.latest[i] = (latest if math.isfinite(latest) else 0.0) if filled else value
        history.step[i] = call.step[n]
        if position[LEFT] < 0:
            self._write_forecast(i, int(call.times[n]), n, forecasts)
            forecasts.surprise[n] = math.nan
            if by_expert:
                by_expert.mean[n], by_expert.weights[n] = math.nan, 0.0

    def _make_room(self, call: Call) -> None:
        """For the members of the largest event, and for groups that may come together."""
        largest = call.largest_event() if len(call.rows) > 1 else 1
        if largest > len(self._members.rows):
            self._members = Members.room(largest, self._tables, self.rules)
        self._learning.pooled.make_room(MOST_STEPS + largest)
        if self.rules.groups:
            met = most_to_come(self._rows.series.membership, len(self.names), call.rows, call.events)
            self._groups = with_room(self._groups, met)

    # What can be asked

    @property
    def names(self) -> dict[str, int]:
        """The series, each with its row, in the order in which they came."""
        return self._rows.names

    @property
    def diagnostics(self) -> Diagnostics:
        """What the bank tells of its errors, its network and its experts."""
        return Diagnostics(self._rows, self._learning, self._tables.scoring)

    @property
    def columns(self) -> FeatureColumns:
        """Which features are where."""
        return self._tables.features

    def last_step(self, count: int) -> tuple[Wholes, Floats, Floats]:
        """What the last step of the last event read, which had so many members.

        Returns
        -------
        (M,) places of the members in the call, (M, F) their features, (M, H) their move scales in their own unit.
        """
        members, first = self._members, ONE + 1
        unit = np.abs(1.0 + self._rows.state.history.factor_less_one[members.rows[:count]]).astype(np.float32)
        features = members.regressors[:count, first : first + self.columns.total]
        return members.sources[:count].copy(), features.copy(), members.scale[:count] * unit[:, None]

    def forecast(self, series: Sequence[str]) -> Forecasts:
        """The newest forecasts of these series again; changes nothing.

        Raises
        ------
        KeyError
            A series was never observed.
        """
        rows = [self.names[name] for name in series]
        forecasts = Forecasts.zeros(len(rows), self.rules.horizon, len(self.rules.quantiles))
        for n, i in enumerate(rows):
            self._write_forecast(i, int(self._rows.series.grid.last[i]), n, forecasts)
        return forecasts

    def _write_forecast(self, i: int, time: int, n: int, forecasts: Forecasts) -> None:
        """Write the newest forecast of series i as the n-th."""
        refer, rows, shared = self._refer, self._rows, self._learning.shared
        kept = refer(rows.state), refer(rows.series.bounds)
        write_forecast(*kept, refer(self._tables), refer(shared), refer(self._work), i, time, n, refer(forecasts))

    def observations(self, series: str) -> int:
        """How many steps of a series there have been since it started, filled ones among them; 0 if none."""
        return int(self._rows.state.history.age[self.names[series]]) if series in self.names else 0

    @property
    def nbytes(self) -> int:
        """Memory of the series' state in bytes, with the room for those to come."""
        parts: tuple[Columns, ...] = (*self._rows.columns().values(), self._groups)
        return sum(array.nbytes for columns in parts for array in columns)

    # What is kept

    def dump(self) -> tuple[dict[str, object], dict[str, Array]]:
        """The whole state: numbers for a header, and arrays by name; a copy."""
        arrays = {name: column[: len(self.names)].copy() for name, column in self._rows.by_name().items()}
        return self._header(), self._beside() | arrays

    def dump_in_parts(self, beside: Mapping[str, Array] = MappingProxyType({})) -> Dump:
        """The same, to be taken block by block while more is observed.

        Parameters
        ----------
        beside
            Arrays to go along, which nobody changes.

        Raises
        ------
        RuntimeError
            A dump that was begun before has been neither taken nor given up.
        """
        if not self._dump.is_taken:
            raise RuntimeError("a dump in parts is under way: take all of it, or give it up, before another one begins")
        self._dump = Dump(self._header(), self._beside() | dict(beside), self._rows.by_name(), len(self.names))
        return self._dump

    def _header(self) -> dict[str, object]:
        rules = msgspec.to_builtins(asdict(self.rules))
        return {"format": FORMAT, "rules": rules} | self._learning.header() | {"groups": total(self._groups)}

    def _beside(self) -> dict[str, Array]:
        """What a dump has beside the columns of the series; a copy."""
        groups = over("groups", dumped(self._groups, total(self._groups)))
        return self._rows.dump(int(self._learning.counts[SEEN])) | groups | self._learning.dump()

    @classmethod
    def load(cls, header: Mapping[str, object], arrays: Mapping[str, Array]) -> "Bank":
        """The bank of a `dump`, whose arrays it takes over: they are its own from now on.

        Raises
        ------
        DumpError
            It was made by a version that keeps other things.
        """
        check_format(header)
        try:
            numbers = msgspec.convert(header, Header)
            bank = cls(numbers.rules, weights=kept(under("weights", arrays), numbers.weights))
            bank._rows.load(arrays)
            bank._groups = grown(bank._groups, numbers.groups)
            fill(bank._groups, under("groups", arrays))
            bank._learning.load(numbers, arrays)
        except (msgspec.ValidationError, KeyError, ValueError) as error:
            raise DumpError(f"the dump lacks what this version keeps: {error}") from error
        return bank
