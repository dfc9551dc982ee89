"""Many series, one network: what the daemon's shards and `LSTMForecaster` are made of.

Letters: S series, N observations of a call, H horizons, L quantile levels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream.anomaly import WARM, start_again
from lstm_stream.arithmetic import Floats, Wholes, ratios
from lstm_stream.bounds import give
from lstm_stream.columns import Array, Columns, adopted, clear, dumped, fill, grown, named, room_for
from lstm_stream.combination import TINY, mean_weights
from lstm_stream.drift import Drift
from lstm_stream.dumping import Dump
from lstm_stream.experts import EXPERTS, assumed_losses
from lstm_stream.faults import RAISED, Fault, Stage, told
from lstm_stream.features import Columns as FeatureColumns
from lstm_stream.fold import (
    AGAIN,
    BREAKS,
    END,
    FAULTY,
    LEFT,
    OFFERED,
    SEEN,
    STEPS,
    Call,
    Series,
    go_through,
    write_forecast,
)
from lstm_stream.forecasts import ExpertForecasts, Forecasts
from lstm_stream.grid import Outcome, Rhythm
from lstm_stream.groups import Groups, total
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.learner import Learner, Lesson, interval
from lstm_stream.move_scale import write_move_scale
from lstm_stream.network import Gates, Network
from lstm_stream.pooled import FEWEST_STEPS, MOST_STEPS, Pooled
from lstm_stream.pretrained import fitted, nothing, packaged
from lstm_stream.priors import Priors
from lstm_stream.readout import ONE
from lstm_stream.references import References, refer
from lstm_stream.replay import Replay, Stretches, copy_stretch
from lstm_stream.scale import spread_of, spreads
from lstm_stream.seasons import SECOND
from lstm_stream.state import Members, Shared, State, Tables, Workspace
from lstm_stream.summaries import GateHistory, Summaries, gate_history, summarise
from lstm_stream.trace import SNAPSHOT_EVERY

FORMAT = 8
"""Of a dump."""
NEVER = 2**62
"""Steps until a learning step that is not to come."""
FURTHEST = 2**60
"""Microseconds from the epoch, so that no difference of two times overflows."""


class DumpError(ValueError):
    """A dump that this version cannot load."""


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

    Examples
    --------
    >>> import numpy as np
    >>> bank = Bank(Hyperparameters(horizon=3))
    >>> hour = 3_600_000_000
    >>> forecasts = bank.observe(["a", "b", "a"], np.array([0, 0, hour]), np.array([1.0, 5.0, 2.0]))
    >>> forecasts.mean.round(1).tolist()
    [[1.0, 1.0, 1.0], [5.0, 5.0, 5.0], [2.0, 2.1, 2.1]]
    """

    def __init__(self, rules: Hyperparameters | None = None, network: type[Network] = Network) -> None:
        self.rules = rules = rules or Hyperparameters()
        if rules.memory < rules.window + rules.horizon:
            raise ValueError(
                f"memory={rules.memory} values are too few for window={rules.window} and horizon={rules.horizon}: "
                f"let memory be at least {rules.window + rules.horizon}"
            )
        self.names: dict[str, int] = {}
        self._tables = Tables.of(rules)
        self._rhythm = Rhythm.of(rules)
        features, units = self._tables.features.total, rules.hidden_size
        self._learner = Learner(network(features, units, rules.horizon, rules.seed), rules.learning_rate)
        self._pretrained = fitted(packaged(), self.columns, rules.horizon) if rules.pretrained else nothing()
        self._pretrained = self._pretrained._replace(weights=network.seen(self._pretrained.weights))
        self._state = State.empty(rules, features)
        self._series = Series.empty(rules.covariates)
        self._groups = Groups.empty(rules.horizon)
        losses = assumed_losses(self._tables.scoring.horizon)
        self._pooled = Pooled(features, self._tables.features.base, units, rules.horizon, losses)
        self._replay = Replay.empty(rules.replay, rules.window, rules.horizon, features, units)
        self._drift = Drift()
        self._priors = Priors(rules.horizon, rules.pretrained)
        self._refer = References()
        self._nothing = ExpertForecasts.zeros(0, EXPERTS, rules.horizon)
        self._members = Members.room(1, self._tables, rules)
        self._work = Workspace.of(self._tables, rules)
        self._counts = np.zeros(5, np.int64)
        self._next_lesson = self._interval()
        self._folded = 0  # steps that the pooled regressions know of
        self._next_fold = FEWEST_STEPS
        self._read = 0  # steps that the detection of drift and the pooled priors know of
        self._next_reading = FEWEST_STEPS
        self._offered = 0  # windows, before this learning interval
        self._shared = self._share()
        self._dump = Dump({}, {})
        self.lesson = Lesson(False, 0.0, 0.0)
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
        rows = self._rows_of(series)
        self._dump.keep(rows)
        count = len(rows)
        call = Call.of(
            rows,
            np.minimum(np.maximum(np.array(times, np.int64), -FURTHEST), FURTHEST),
            np.array(values, np.float64),
            np.arange(count) if events is None else np.array(events, np.int64),
            np.full((count, self.rules.covariates), np.nan) if covariates is None else np.array(covariates, np.float64),
        )
        forecasts = Forecasts.zeros(count, self.rules.horizon, len(self.rules.quantiles))
        self._make_room(call)
        position, through = np.asarray([0, 0, -1, -1, 0]), False
        while not through:
            through = self._go_on(call, position, forecasts, by_expert or self._nothing)
            if position[AGAIN] >= 0:
                self._start_again(int(rows[position[AGAIN]]))
                position[AGAIN] = -1
            for m in range(int(position[FAULTY])):
                self._begin_anew(int(self._members.sources[m]), call, position, forecasts, by_expert)
            position[FAULTY] = 0
            if self._steps >= self._next_fold:
                self._fold(int(position[END]) - 1)
            elif self._steps >= self._next_reading:
                self._read_on(int(position[END]) - 1)
            if self._steps >= self._next_lesson:
                self._learn(int(position[END]) - 1)
        forecasts.restart[:] = call.restart & (forecasts.outcome == Outcome.FORECAST)
        return forecasts

    def _go_on(self, call: Call, position: Wholes, forecasts: Forecasts, by_expert: ExpertForecasts) -> bool:
        """Go on until something is to be learnt, or to the end; tells whether it was to the end."""
        through: bool = go_through(
            self._refer(self._state),
            self._refer(self._series),
            self._refer(self._groups),
            self._refer(self._replay),
            self._refer(self._rhythm),
            self._refer(self._tables),
            self._refer(self._shared),
            self._refer(self._pooled.notes),
            self._refer(self._members),
            self._refer(self._work),
            self._refer(call),
            position,
            self._counts,
            self._folded,
            min(self._next_lesson, self._next_fold, self._next_reading),
            self._offered,
            self._refer(forecasts),
            self._refer(by_expert),
        )
        return through

    def _start_again(self, i: int) -> None:
        start_again(self._state.errors, i, 1.0 + float(self._state.history.factor_less_one[i]))
        for part in self._state:
            if part is not self._state.errors:
                clear(part, i)

    def _forget(self, i: int) -> None:
        for part in self._state:
            clear(part, i)

    def _begin_anew(
        self, n: int, call: Call, position: Wholes, forecasts: Forecasts, by_expert: ExpertForecasts | None
    ) -> None:
        """Forget a series that came to something not finite, but for its last value, which is what is forecast."""
        i, value = int(call.rows[n]), float(call.values[n])
        latest = float(self._state.history.latest[i])
        filled = position[LEFT] + 1 > 0 or math.isnan(value)
        self.faults.append(Fault(list(self.names)[i], n, "step", "a step came to something that is not finite"))
        self._forget(i)
        self._state.history.latest[i] = (latest if math.isfinite(latest) else 0.0) if filled else value
        self._state.history.step[i] = call.step[n]
        if position[LEFT] < 0:
            self._write_forecast(i, int(call.times[n]), n, forecasts)
            forecasts.surprise[n] = math.nan
            if by_expert:
                by_expert.mean[n], by_expert.weights[n] = math.nan, 0.0

    @property
    def _steps(self) -> int:
        """Of all series so far."""
        return int(self._counts[STEPS])

    def _rows_of(self, series: Sequence[str]) -> Wholes:
        known = len(self.names)
        rows = np.fromiter((self.names.setdefault(name, len(self.names)) for name in series), np.int64, len(series))
        if len(self.names) > known:
            self._welcome(list(self.names)[known:])
        return rows

    def _welcome(self, names: list[str]) -> None:
        count, room = len(self.names), len(self._series.identity)
        if count > room:
            self._grow(room_for(count, room))
        self._series.identity[count - len(names) : count] = [_identity(name) for name in names]
        for i, name in enumerate(names, count - len(names)):
            give(self._series.bounds, i, name, self.rules.bounds)

    def _grow(self, capacity: int) -> None:
        parts: Any = [grown(part, capacity) for part in self._state]
        self._state = State(*parts)
        self._series = self._series.grown(capacity)

    def _make_room(self, call: Call) -> None:
        """For the members of the largest event, and for groups that may come together."""
        largest = call.largest_event() if len(call.rows) > 1 else 1
        if largest > len(self._members.rows):
            self._members = Members.room(largest, self._tables, self.rules)
        self._pooled.make_room(MOST_STEPS + largest)
        if self.rules.groups:
            met = self._groups_to_come(call)
            groups = total(self._groups)
            if groups + met > len(self._groups.joined):
                self._groups = grown(self._groups, max(2 * groups, groups + met, 4))

    def _groups_to_come(self, call: Call) -> int:
        """The most groups that may come together: events of several series none of which is in one."""
        if not len(call.rows):
            return 0
        starts = np.flatnonzero(np.diff(call.events, prepend=call.events[0] - 1))
        known = np.maximum.reduceat(self._series.membership.group[call.rows], starts) > 0
        several = np.diff(starts, append=len(call.rows)) > 1
        strangers = np.count_nonzero(self._series.membership.group[: len(self.names)] == 0)
        return int(min(np.count_nonzero(several & ~known), strangers // 2))

    # What it learns

    def _interval(self) -> int:
        """Steps from one learning step to the next."""
        if not self.rules.effort:
            return NEVER
        return max(1, round(interval(self._alive(), self._steps) / self.rules.effort))

    def _learn(self, source: int) -> None:
        seen = self._series.latest[: self._counts[SEEN]]
        try:
            self.lesson = self._lesson(seen)
        except RAISED as error:
            self._learner.skipped += 1
            self._fault(source, "learning", error)
        self._next_lesson = self._steps + self._interval()
        self._offered += int(self._counts[OFFERED])
        self._series.lately[seen] = False
        self._counts[OFFERED] = self._counts[SEEN] = 0
        self._shared = self._share()

    def _fault(self, source: int, stage: Stage, error: BaseException) -> None:
        self.faults.append(Fault(None, source, stage, told(error)))

    def _lesson(self, seen: Wholes) -> Lesson:
        generator = np.random.default_rng([self.rules.seed, self._learner.updates, self._learner.skipped])
        rows = generator.choice(seen, min(max(1, self.rules.windows // 4), len(seen)), replace=False)
        newest, replayed = self._newest(rows), self._replay.draw(self.rules.windows - len(rows), generator)
        joined = Stretches(*(np.concatenate(parts) for parts in zip(newest, replayed, strict=True)))
        return self._learner.learn(joined.windows(), self._drift.alarm)

    def _newest(self, rows: Wholes) -> Stretches:
        """The newest window of each of these series, its last steps still without some targets."""
        state, rules = self._state, self.rules
        windows = Stretches.empty(
            len(rows), rules.window, rules.horizon, self._tables.features.total, rules.hidden_size
        )
        history, trace, to = refer(state.history), refer(state.trace), refer(windows)
        scale, moves = refer(state.scale), refer(state.moves)
        for slot, i in enumerate(rows.tolist()):
            age = int(state.history.age[i])
            start = max(-(-(age - rules.window) // SNAPSHOT_EVERY) * SNAPSHOT_EVERY, 0)
            spread = spread_of(scale, history, i)
            moving = age - int(state.scale.born[i])
            write_move_scale(moves, i, moving, spread, self._priors.move_scale, windows.scale[slot])
            copy_stretch(to, slot, history, trace, i, start, windows.scale[slot])
        return windows

    def _read_on(self, source: int) -> None:
        """Look for drift in the last errors, and at what grown series have in common; what raises is skipped."""
        alive, state = max(self._alive(), 1), self._state
        try:
            self._drift.fold(self._pooled.notes.errors[self._read - self._folded : self._steps - self._folded], alive)
        except RAISED as error:
            self._drift.forget()
            self._fault(source, "drift", error)
        try:
            self._priors.learn(state.history, state.scale, state.moves, state.combination)
        except RAISED as error:
            self._fault(source, "priors", error)
        self._read, self._next_reading = self._steps, self._steps + min(max(FEWEST_STEPS, alive), MOST_STEPS)
        self._shared = self._share()

    def _fold(self, source: int) -> None:
        """Bring the pooled regressions up to date; what raises is skipped, and leaves what was before."""
        self._read_on(source)
        alive = max(self._alive(), 1)
        try:
            self._pooled.fold(self._steps - self._folded, alive)
        except RAISED as error:
            self._fault(source, "pooled", error)
        self._folded, self._next_fold = self._steps, self._steps + Pooled.interval(alive, self._steps)
        self._shared = self._share()

    def _alive(self) -> int:
        """Series gone through so far; `names` has also those that only come later in this call."""
        return int(np.count_nonzero(self._state.history.age))

    def _share(self) -> Shared:
        """What the series share now."""
        regressions, marks = self._pooled.regressions, self._tables.readout.marks
        return Shared(
            weights=self._learner.weights,
            pretrained=self._pretrained,
            inverse=regressions.inverse,
            readout=np.ascontiguousarray(regressions.own[:, marks - 1].T),
            on_hidden=regressions.own,
            on_all=regressions.on_all,
            on_lags=regressions.on_lags,
            log_losses=np.log(self._pooled.losses + TINY),
            gain=self._priors.gain,
            move_scale=self._priors.move_scale,
            roughness=self._priors.roughness,
            alarm=self._drift.alarm,
            updates=self._learner.updates,
            drifts=self._drift.total,
        )

    # What can be asked

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
        unit = np.abs(1.0 + self._state.history.factor_less_one[members.rows[:count]]).astype(np.float32)
        features = members.regressors[:count, first : first + self.columns.total]
        return members.sources[:count].copy(), features.copy(), members.scale[:count] * unit[:, None]

    @property
    def updates(self) -> int:
        """Learning steps taken so far."""
        return self._learner.updates

    @property
    def skipped(self) -> int:
        """Learning steps whose loss or gradient was not finite."""
        return self._learner.skipped

    @property
    def drifts(self) -> int:
        """Drifts noticed so far."""
        return self._drift.total

    @property
    def breaks(self) -> int:
        """How often a series was noticed to have turned round, changed its unit, or come out of a standstill."""
        return int(self._counts[BREAKS])

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
            time = int(self._series.grid.last[i])
            self._write_forecast(i, time, n, forecasts)
        return forecasts

    def _write_forecast(self, i: int, time: int, n: int, forecasts: Forecasts) -> None:
        """Write the newest forecast of series i as the n-th."""
        state, bounds = self._refer(self._state), self._refer(self._series.bounds)
        tables, shared = self._refer(self._tables), self._refer(self._shared)
        write_forecast(state, bounds, tables, shared, self._refer(self._work), i, time, n, self._refer(forecasts))

    def observations(self, series: str) -> int:
        """How many steps of a series there have been since it started, filled ones among them; 0 if none."""
        return int(self._state.history.age[self.names[series]]) if series in self.names else 0

    def recent(self, series: str, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Times in microseconds and values of the last steps of a series, oldest first; NaN where one was missing.

        No more than are kept to learn from. Times are told a step apart, which they are on a grid. Where a series has
        broken, values of before it are told in the sign and unit of now, and those not to be learnt from are NaN.
        """
        i, history, trace, grid = self.names[series], self._state.history, self._state.trace, self._series.grid
        kept = trace.observed.shape[1]
        lags = np.arange(min(count, int(history.age[i]), kept))[::-1]
        steps = history.age[i] - 1 - lags
        values = history.ring[i, steps % history.ring.shape[1]] * (1.0 + history.factor_less_one[i]) + history.first[i]
        times = int(grid.last[i]) - lags * (int(grid.step[i]) or SECOND)
        return times, np.where(trace.observed[i, steps % kept], values, np.nan)

    def errors(self, series: str | None = None) -> tuple[float, float]:
        """Mean absolute one-step error of the model and of the last value: of a series in its own unit, or of all.

        Of all, each series counts in its own spreads.
        """
        state = self._state
        rows = np.arange(len(self.names)) if series is None else np.asarray([self.names[series]])
        rows = rows[state.errors.scored[rows] > 0]
        if not len(rows):
            return 0.0, 0.0
        if series is None:
            unit = spreads(state.scale, state.history, rows)
        else:
            unit = (1.0 / np.abs(1.0 + state.history.factor_less_one[rows])).astype(np.float32)
        model, last_value = ratios(state.errors.absolute[rows], unit[:, None]).mean(0).tolist()
        return model, last_value

    def error_ratios(self) -> Floats:
        """Mean absolute one-step error of each series (S,) over that of its last value; NaN while it is warming."""
        errors, series = self._state.errors, len(self.names)
        warm = errors.scored[:series] >= WARM
        absolute = errors.absolute[:series]
        return np.where(warm, ratios(absolute[:, 0], absolute[:, 1]), np.float32(np.nan))

    @property
    def nbytes(self) -> int:
        """Memory of the series' state in bytes, with the room for those to come."""
        parts: tuple[Columns, ...] = (*self._columns().values(), self._groups)
        return sum(array.nbytes for columns in parts for array in columns)

    def summaries(self) -> Summaries:
        """All series, in the order of `names`; a copy."""
        return summarise(self._state.history, self._series.grid, self._state.errors, len(self.names))

    def gate_history(self, series: str) -> GateHistory:
        """The gates of the LSTM at some of the last steps of a series."""
        i = self.names[series]
        return gate_history(self._learner.average, self._state.trace, i, int(self._state.history.age[i]))

    def last_break(self, series: str) -> int | None:
        """How many steps ago a series was last noticed to have turned round or changed its unit; None: it never was."""
        i = self.names[series]
        since = int(self._state.intervals.anew[i])
        return int(self._state.history.age[i]) - 1 - since if since else None

    def expert_weights(self, series: str | None = None) -> Floats:
        """Mean weight of each expert (E,) in the means of a series, or of up to 256, over all horizons.

        Zeros for no series.
        """
        some = np.flatnonzero(self._state.history.age > 0)[:256]
        rows = some if series is None else np.asarray([self.names[series]])
        losses, gain = self._pooled.losses, self._priors.gain
        return mean_weights(self._state.combination, self._tables.scoring, rows, losses, gain)

    def gates(self) -> Gates:
        """Mean activations of the gates, over up to 256 series at their last snapshot."""
        age, trace = self._state.history.age, self._state.trace
        rows = np.flatnonzero(age > 0)[:256]
        if not len(rows):
            return Gates(0.0, 0.0, 0.0)
        at = (age[rows] - 1) // SNAPSHOT_EVERY
        x = trace.features[rows, at * SNAPSHOT_EVERY % trace.features.shape[1]].view(np.float16)
        met = trace.hidden_before[rows, at % trace.hidden_before.shape[1]].view(np.float16)
        return self._learner.average.gates(x.astype(np.float32), met.astype(np.float32))

    # What is kept

    def dump(self) -> tuple[dict[str, object], dict[str, Array]]:
        """The whole state: numbers for a header, and arrays by name; a copy."""
        arrays = {name: column[: len(self.names)].copy() for name, column in self._by_name().items()}
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
        self._dump = Dump(self._header(), self._beside() | dict(beside), self._by_name(), len(self.names))
        return self._dump

    def _header(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "rules": msgspec.to_builtins(asdict(self.rules)),
            "next_lesson": self._next_lesson,
            "offered": self._offered,
            "counts": self._counts.tolist(),
            "folded": self._folded,
            "next_fold": self._next_fold,
            "read": self._read,
            "next_reading": self._next_reading,
            "updates": self._learner.updates,
            "skipped": self._learner.skipped,
            "groups": total(self._groups),
        }

    def _beside(self) -> dict[str, Array]:
        """What a dump has beside the columns of the series; a copy."""
        arrays: dict[str, Array] = {"names": np.frombuffer(msgspec.json.encode(list(self.names)), np.uint8)}
        arrays |= {"latest": self._series.latest[: self._counts[SEEN]].copy()}
        arrays |= _over("groups", dumped(self._groups, total(self._groups)))
        arrays |= _over("replay", self._replay.dump())
        arrays |= _over("pooled", self._pooled.dump(self._steps - self._folded))
        arrays |= _over("priors", self._priors.dump())
        arrays |= _over("drift", self._drift.dump())
        arrays |= _over("learner", self._learner.dump())
        return arrays

    def _by_name(self) -> dict[str, Array]:
        """The columns of the series as a dump calls them; no copy."""
        columns: dict[str, Array] = {}
        for part, some in self._columns().items():
            columns |= _over(part, named(some))
        return columns

    @staticmethod
    def check_format(header: Mapping[str, object]) -> None:
        """Look whether this version reads a dump with this header.

        Raises
        ------
        DumpError
            It does not.
        """
        if header.get("format") != FORMAT:
            raise DumpError(f"the dump has format {header.get('format')}, and this version reads {FORMAT}")

    @classmethod
    def load(cls, header: Mapping[str, object], arrays: Mapping[str, Array]) -> "Bank":
        """The bank of a `dump`, whose arrays it takes over: they are its own from now on.

        Raises
        ------
        DumpError
            It was made by a version that keeps other things.
        """
        cls.check_format(header)
        try:
            state = msgspec.convert(header, _Header)
            bank = cls(state.rules)
            bank._take(state, arrays)
        except (msgspec.ValidationError, KeyError, ValueError) as error:
            raise DumpError(f"the dump lacks what this version keeps: {error}") from error
        return bank

    def _take(self, state: "_Header", arrays: Mapping[str, Array]) -> None:
        names = msgspec.json.decode(arrays["names"].tobytes(), type=list[str])
        self.names = {name: row for row, name in enumerate(names)}
        self._grow(len(names))
        self._series.identity[:] = [_identity(name) for name in names]
        parts: Any = {part: adopted(columns, _under(part, arrays)) for part, columns in self._columns().items()}
        self._state = State(**{part: parts.pop(part) for part in State._fields})
        self._series = self._series._replace(**parts)
        self._counts[:] = state.counts
        latest = arrays["latest"]
        self._series.latest[: len(latest)], self._series.lately[latest] = latest, True
        self._groups = grown(self._groups, state.groups)
        fill(self._groups, _under("groups", arrays))
        self._replay.load(_under("replay", arrays))
        self._pooled.load(_under("pooled", arrays))
        self._priors.load(_under("priors", arrays))
        self._drift.load(_under("drift", arrays))
        self._learner.load(_under("learner", arrays), state.updates, state.skipped)
        self._next_lesson, self._offered = state.next_lesson, state.offered
        self._folded, self._next_fold = state.folded, state.next_fold
        self._read, self._next_reading = state.read, state.next_reading
        self._shared = self._share()

    def _columns(self) -> dict[str, Columns]:
        """What is kept of each series, by name."""
        series = self._series
        beside: dict[str, Columns] = {
            "grid": series.grid,
            "membership": series.membership,
            "covariates": series.covariates,
            "bounds": series.bounds,
        }
        return beside | self._state._asdict()


class _Header(msgspec.Struct, frozen=True):
    """The numbers of a dump."""

    format: int
    rules: Hyperparameters
    next_lesson: int
    offered: int
    counts: list[int]
    folded: int
    next_fold: int
    read: int
    next_reading: int
    updates: int
    skipped: int
    groups: int


def _identity(name: str) -> int:
    """A number for a series that depends on its name alone."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _over(part: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{part}.{name}": array for name, array in arrays.items()}


def _under(part: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
