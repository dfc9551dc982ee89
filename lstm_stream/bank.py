"""Many series, one network: what the daemon's shards and `LSTMForecaster` are made of.

Letters: S series, N observations of a call, H horizons, L quantile levels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream.breaks import breaks, standstills
from lstm_stream.columns import Array, Columns, Rows
from lstm_stream.drift import Drift
from lstm_stream.experts import (
    GOING_ON,
    OF_THE_LSTM,
    PLAIN,
    REPEATING,
    Expert,
    Smoothers,
    assumed_losses,
    returning_moves,
    seasonal_moves,
)
from lstm_stream.faults import RAISED, Fault, Stage, Undo, check_finite, told
from lstm_stream.forecasts import Forecasts, Opinions
from lstm_stream.grid import SECOND, Grid, Outcome, Placement
from lstm_stream.groups import meetings
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.intervals import WARM, Intervals
from lstm_stream.kin import Kin
from lstm_stream.learner import Learner, Lesson
from lstm_stream.memory import Memory
from lstm_stream.mixture import LARGEST_FREE_MOVE, LARGEST_MOVE, Mixture, Standing
from lstm_stream.network import Floats, Gates, Network, positive_ratio, product, ratio
from lstm_stream.past import SNAPSHOT_EVERY, Past
from lstm_stream.pool import Pool
from lstm_stream.readout import Origins, Readouts
from lstm_stream.replay import Replay, Stretch
from lstm_stream.sight import Sight, View
from lstm_stream.steps import Steps, expanded, rounds

FORMAT = 5
"""Of a dump."""
FURTHEST = 2**60
"""Microseconds from the epoch, so that no difference of two times overflows."""
WRITTEN_AGAIN = frozenset({"ring", "inputs", "hidden_before", "cell_before"})
"""Rings of the history that need not be saved before a round."""
NEVER = 2**62
"""Steps until a learning step that is not to come."""


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
    [[1.0, 1.0, 1.0], [5.0, 5.0, 5.0], [2.0, 2.0, 2.0]]
    """

    def __init__(self, rules: Hyperparameters | None = None, network: type[Network] = Network) -> None:
        self.rules = rules = rules or Hyperparameters()
        if rules.memory < rules.window + rules.horizon:
            raise ValueError(
                f"memory={rules.memory} values are too few for window={rules.window} and horizon={rules.horizon}: "
                f"let memory be at least {rules.window + rules.horizon}"
            )
        self.names: dict[str, int] = {}
        self._identity = np.zeros(0, np.uint64)
        self._sight = Sight(rules)
        inputs = self._sight.width
        self._learner = Learner(network(inputs, rules.hidden_size, rules.horizon, rules.seed), rules.learning_rate)
        self._grid = Grid.empty()
        self._memory = Memory.empty(rules.memory)
        self._intervals = Intervals.empty(rules.horizon)
        self._past = Past.empty(rules.window, rules.horizon, inputs, rules.hidden_size)
        self._readouts = Readouts.empty(rules.horizon, inputs, rules.hidden_size)
        self._smoothers = Smoothers.empty()
        self._mixture = Mixture.empty(len(Expert), rules.horizon)
        self._pool = Pool(
            inputs, self._sight.base, rules.hidden_size, rules.horizon, assumed_losses(self._mixture.loss.shape[2])
        )
        self._replay = Replay(rules.replay, Stretch.empty(rules.window, rules.horizon, inputs, rules.hidden_size))
        self._drift = Drift()
        self._kin = Kin(rules.horizon)
        self._symmetric = np.allclose(np.add(rules.quantiles, rules.quantiles[::-1]), 1.0)
        self._breaks = 0
        self._steps = 0  # of all series so far
        self._next_lesson = self._interval()
        self._folded = 0  # steps that the pool knows of
        self._next_fold = Pool.interval(0)
        self._offered = 0  # windows, before this learning interval
        self._offered_since = 0
        self._seen: dict[int, None] = {}  # series since the last learning step
        self._undo = Undo()
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
        opinions: Opinions | None = None,
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
        opinions
            Where to write what the experts said; rows without a forecast stay as they are.
        """
        self.faults = []
        rows = self._rows_of(series)
        times = np.clip(times, -FURTHEST, FURTHEST)
        events = np.arange(len(rows)) if events is None else events
        if covariates is None:
            covariates = np.full((len(rows), self.rules.covariates), np.nan)
        forecasts = Forecasts.zeros(len(rows), self.rules.horizon, len(self.rules.quantiles))
        steps = self._place(rows, times, values, events, covariates, forecasts)
        begin = 0
        for meeting in self._first_meetings(rows, events) if self.rules.groups else ():
            end = int(np.searchsorted(steps.event, events[meeting.start]))
            self._follow(steps.part(slice(begin, end)), forecasts, opinions)
            self._sight.join(rows[meeting])
            begin = end
        self._follow(steps.part(slice(begin, len(steps.rows))), forecasts, opinions)
        return forecasts

    def _first_meetings(self, rows: Rows, events: npt.NDArray[np.int64]) -> Iterator[slice]:
        """Events some of whose series have been in none with others before."""
        for meeting in meetings(events):
            if self._sight.strange(rows[meeting]):
                yield meeting

    def _follow(self, steps: Steps, forecasts: Forecasts, opinions: Opinions | None) -> None:
        """Go through steps, and learn at fixed counts of them."""
        begin = 0
        while begin < len(steps.rows):
            due = begin + min(self._next_lesson, self._next_fold) - self._steps
            end = int(np.searchsorted(steps.tick, steps.tick[min(due, len(steps.rows)) - 1], "right"))
            self._go_through(steps.part(slice(begin, end)), forecasts, opinions)
            begin = end
            if self._steps >= self._next_fold:
                self._fold(int(steps.source[end - 1]))
            if self._steps >= self._next_lesson:
                self._learn(int(steps.source[end - 1]))

    def _rows_of(self, series: Sequence[str]) -> Rows:
        known = len(self.names)
        rows = np.fromiter((self.names.setdefault(name, len(self.names)) for name in series), np.int64, len(series))
        if len(self.names) > known:
            self._welcome(list(self.names)[known:])
        return rows

    def _welcome(self, names: list[str]) -> None:
        count = len(self.names)
        if count > len(self._identity):
            self._grow(max(8, 2 * len(self._identity), count))
        new = np.arange(count - len(names), count)
        self._identity[new] = [_identity(name) for name in names]
        self._grid.start(new, self.rules)

    def _grow(self, capacity: int) -> None:
        for columns in self._columns().values():
            columns.grow(capacity)
        self._identity = np.concatenate([self._identity, np.zeros(capacity - len(self._identity), np.uint64)])

    def _columns(self) -> dict[str, Columns]:
        return {"grid": self._grid} | self._sight.columns() | self._of_the_model()

    def _of_series(self) -> dict[str, Columns]:
        """What a step of a series changes."""
        return self._of_the_model() | {"covariates": self._sight.covariates}

    def _of_the_model(self) -> dict[str, Columns]:
        return {
            "memory": self._memory,
            "intervals": self._intervals,
            "past": self._past,
            "readouts": self._readouts,
            "smoothers": self._smoothers,
            "mixture": self._mixture,
        }

    def _place(
        self,
        rows: Rows,
        times: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        events: npt.NDArray[np.int64],
        covariates: npt.NDArray[np.float64],
        forecasts: Forecasts,
    ) -> Steps:
        missing, step, last = np.zeros((3, len(rows)), np.int64)
        outcome = forecasts.outcome
        restart = np.zeros(len(rows), np.bool_)
        for round_ in rounds(rows, np.arange(len(rows))):
            placed = self._placed(rows[round_], times[round_], np.isnan(values[round_]), round_)
            outcome[round_], missing[round_], restart[round_], step[round_], last[round_] = placed
        jump = outcome == Outcome.JUMP
        forecasts.origin[jump], forecasts.step[jump] = last[jump], step[jump] / SECOND
        source = np.flatnonzero(outcome == Outcome.FORECAST)
        return expanded(rows, times, values, events, covariates, restart, step, missing, source)

    def _placed(
        self, rows: Rows, times: npt.NDArray[np.int64], null: npt.NDArray[np.bool_], source: npt.NDArray[np.int64]
    ) -> Placement:
        """Place an observation of each of these series; one whose placing raises starts anew."""
        self._undo.begin()
        self._undo.save("grid", self._grid, rows)
        try:
            return self._grid.place(rows, times, null, self.rules)
        except RAISED as error:
            self._undo.put_back()
            if len(rows) > 1:
                halves = (slice(None, len(rows) // 2), slice(len(rows) // 2, None))
                return Placement.joined([self._placed(rows[h], times[h], null[h], source[h]) for h in halves])
            self._fault(rows, source, "place", error)
            return self._grid.begin(rows, times, null, self.rules)

    # What the network goes through

    def _go_through(self, steps: Steps, forecasts: Forecasts, opinions: Opinions | None) -> None:
        """Take steps that lie between two learning steps."""
        position = self._steps + np.arange(len(steps.rows))
        for round_ in rounds(self._sight.company(steps.rows), steps.tick):
            self._take_round(steps.part(round_), position[round_], forecasts, opinions)
        self._steps += len(steps.rows)
        self._seen |= dict.fromkeys(steps.rows.tolist())

    def _take_round(
        self, steps: Steps, position: npt.NDArray[np.int64], forecasts: Forecasts, opinions: Opinions | None
    ) -> None:
        """Take one step of each of several series; where that raises, they are halved until those at fault are found.

        A group is one: what its members do is no fault of the others. All that a round leaves to what the series share
        lies at its place in the log, so that a round taken again leaves nothing twice.
        """
        error = self._tried(steps, position, forecasts, opinions, undo=len(steps.rows) > 1)
        if error is None:
            return
        company = self._sight.company(steps.rows)
        different = np.unique(company)
        if len(different) == 1:
            self._take_without_those_at_fault(steps, position, forecasts, opinions, error)
            return
        first = company < different[len(different) // 2]
        for half in (np.flatnonzero(first), np.flatnonzero(~first)):
            self._take_round(steps.part(half), position[half], forecasts, opinions)

    def _take_without_those_at_fault(
        self,
        steps: Steps,
        position: npt.NDArray[np.int64],
        forecasts: Forecasts,
        opinions: Opinions | None,
        error: BaseException,
    ) -> None:
        """Let those of a company start anew that raise by themselves, and take the others; all of them if none does."""
        alone = {0: error} if len(steps.rows) == 1 else self._at_fault(steps, position, np.arange(len(steps.rows)))
        for index, of_it in alone.items():
            self._fault(steps.rows[index : index + 1], steps.source[index : index + 1], "step", of_it)
        faulty = np.asarray(sorted(alone), np.int64)
        self._begin_anew(steps.part(faulty), position[faulty], forecasts, opinions)
        rest = np.setdiff1d(np.arange(len(steps.rows)), faulty)
        if not len(rest):
            return
        of_all = self._tried(steps.part(rest), position[rest], forecasts, opinions, undo=False)
        if of_all is not None:
            self._fault(steps.rows[rest], steps.source[rest], "group", of_all)
            self._begin_anew(steps.part(rest), position[rest], forecasts, opinions)
            self._sight.forget_groups(steps.rows[rest])

    def _at_fault(
        self, steps: Steps, position: npt.NDArray[np.int64], indices: npt.NDArray[np.int64]
    ) -> dict[int, BaseException]:
        """Which of these raise, tried in ever smaller parts; changes nothing but what the others do once more."""
        nowhere = Forecasts.zeros(int(steps.source.max()) + 1, self.rules.horizon, len(self.rules.quantiles))
        breaks, offered = self._breaks, self._offered_since
        error = self._tried(steps.part(indices), position[indices], nowhere, None, undo=True)
        self._undo.put_back()
        self._breaks, self._offered_since = breaks, offered
        if error is None:
            return {}
        if len(indices) == 1:
            return {int(indices[0]): error}
        middle = len(indices) // 2
        return self._at_fault(steps, position, indices[:middle]) | self._at_fault(steps, position, indices[middle:])

    def _tried(
        self,
        steps: Steps,
        position: npt.NDArray[np.int64],
        forecasts: Forecasts,
        opinions: Opinions | None,
        undo: bool,
    ) -> BaseException | None:
        """Take a round; where it raises, hand back the error.

        Parameters
        ----------
        undo
            Whether the series are then to be as they were; series that would start anew need not.
        """
        breaks, offered = self._breaks, self._offered_since
        self._save(steps.rows, undo)
        try:
            self._round(steps, position, forecasts, opinions)
        except RAISED as error:
            self._undo.put_back()
            self._breaks, self._offered_since = breaks, offered
            return error
        return None

    def _save(self, rows: Rows, series: bool) -> None:
        """Save what a round of these series changes: of their groups, and if wanted of themselves.

        The rings `WRITTEN_AGAIN` are left out: of these a round writes one slot, and reads it only after that.
        """
        undo = self._undo
        undo.begin()
        self._sight.save_groups(rows, undo)
        if not series:
            return
        for part, columns in self._of_series().items():
            undo.save(part, columns, rows, WRITTEN_AGAIN)
        undo.keep(self._memory.ring, (rows, self._memory.age[rows] % self._memory.ring.shape[1]))

    def _fault(self, rows: Rows, source: npt.NDArray[np.int64], stage: Stage, error: BaseException) -> None:
        names = list(self.names)
        trace = told(error)
        self.faults += [
            Fault(names[row], int(of), stage, trace) for row, of in zip(rows.tolist(), source.tolist(), strict=True)
        ]

    def _begin_anew(
        self, steps: Steps, position: npt.NDArray[np.int64], forecasts: Forecasts, opinions: Opinions | None
    ) -> None:
        """Forget these series but for their last value, which is what is forecast; no code of the model is run."""
        latest = self._memory.latest[steps.rows]
        value = np.where(np.isnan(steps.value), np.where(np.isfinite(latest), latest, 0.0), steps.value)
        for columns in self._of_series().values():
            columns.clear(steps.rows)
        self._memory.latest[steps.rows], self._memory.step[steps.rows] = value, steps.step
        place = position - self._folded
        self._pool.note_nothing(place)
        self._drift.note(place, np.full(len(place), np.nan, np.float32))
        self._write_out(steps, np.full(len(value), np.nan), forecasts)
        if opinions is not None:
            where = steps.source[steps.asked]
            opinions.said[where], opinions.weights[where] = np.nan, 0.0

    def _round(
        self, steps: Steps, position: npt.NDArray[np.int64], forecasts: Forecasts, opinions: Opinions | None
    ) -> None:
        """Take one step of each of several series."""
        rows, memory = steps.rows, self._memory
        self._start_again(rows[steps.restart])
        memory.set_step(rows, steps.step)
        absurd = memory.disbelieve(rows, steps.value)
        observed = ~np.isnan(steps.value) & ~absurd
        expected = self._expected(rows)
        off = ratio(np.abs((steps.value - expected) / memory.factor(rows)), memory.floored(rows))
        off[~observed | (memory.age[rows] == 0)] = np.nan
        self._drift.note(position - self._folded, off)
        memory.count_repeats(rows[observed], steps.value[observed])
        memory.write(rows, np.where(observed, steps.value, expected))
        step, value = memory.newest(rows)
        surprise = np.where(absurd & (self._intervals.scored[rows] >= WARM), 1.0, np.nan)
        surprise[observed] = self._intervals.score(rows[observed], step[observed], value[observed])
        self._mend(rows[observed])
        step, value = memory.newest(rows)
        memory.rescale(rows[observed], self._kin.roughness)
        moved, unit = self._intervals.moved(rows, step, value)
        moved[~observed] = np.nan
        self._intervals.lengthen(rows, step, moved * unit, memory.floored(rows))
        reach = self._reach(rows)
        self._past.write(rows, step, observed)
        self._smoothers.follow(rows, value)
        errors = self._mixture.score(rows, step, moved, positive_ratio(reach, unit), self._drift.alarm)
        view = self._sight.look(rows, steps.time, observed, steps.covariates, memory, self._past, self._pool, reach)
        said = np.full((len(rows), len(Expert), self.rules.horizon), np.nan, np.float32)
        said[:, PLAIN] = self._plain(rows, value, view, reach)
        standing = self._standing(rows)
        plain = _mixed(standing, said)[0]
        x = self._sight.inputs(view, plain)
        self._past.show(rows, step, x, plain, reach)
        result = self._learner.average.step(x, self._past.hidden[rows], self._past.cell[rows])
        self._past.carry(rows, step, result)
        origins = self._past.origins(rows, step, memory, reach)
        self._note(rows, step, position - self._folded, origins, errors, reach)
        said[:, OF_THE_LSTM] = self._by_the_lstm(rows, origins, plain, result.output)
        mixed, weights = _mixed(standing, said)
        self._open(rows, step, value, said, mixed, weights, reach)
        self._write_out(steps, surprise, forecasts)
        check_finite(hidden=result.hidden, cell=result.cell, moves=mixed)
        self._offer_windows(rows, position)
        if opinions is not None:
            self._write_opinions(steps, said * reach[:, None], weights, opinions)

    def _mend(self, rows: Rows) -> None:
        """Mend what these series' memory is to keep of what has come to an end, or begun, with the newest values."""
        for broken in breaks(rows, self._memory, self._symmetric):
            self._undo.keep(self._memory.ring, broken.row)
            self._memory.convert(*broken)
            self._intervals.convert(broken.row, broken.factor, int(self._memory.age[broken.row]) - 1)
            self._resume(broken.row, broken.since)
        for still in standstills(rows, self._memory):
            self._undo.keep(self._memory.ring, still.row)
            self._memory.replace(*still)
            self._resume(still.row, still.since)

    def _resume(self, row: int, since: int) -> None:
        """Go on as if the values since a step had been what is kept of them now."""
        one, length = np.asarray([row]), int(self._memory.age[row]) - since
        self._memory.measure(row)
        self._smoothers.begin(one, self._memory.look_back(one, np.arange(length)[None, ::-1]))
        self._past.rewind(row, since, length)
        self._intervals.disown(row, since, length)
        self._mixture.doubt(one)
        self._breaks += 1

    def _note(
        self,
        rows: Rows,
        step: npt.NDArray[np.int64],
        place: npt.NDArray[np.int64],
        origins: Origins,
        errors: Floats,
        reach: Floats,
    ) -> None:
        """Leave to the pool what these steps have to add."""
        targets, known = self._past.oldest_targets(rows, step, self._memory, reach)
        oldest = np.where(known[:, None], origins.regressors[:, -1], np.float32(0.0))
        check_finite(regressors=oldest, targets=targets)
        self._pool.note(place, oldest, targets, errors)

    def _open(
        self,
        rows: Rows,
        step: npt.NDArray[np.int64],
        value: Floats,
        said: Floats,
        mixed: Floats,
        weights: Floats,
        reach: Floats,
    ) -> None:
        """Remember what the experts say (N, E, H) and their mixture (N, H) until it comes."""
        spread = self._memory.floored(rows)
        self._mixture.put(rows, step, said * (reach / spread[:, None])[:, None])
        self._mixture.lstm_share[rows] = weights[:, OF_THE_LSTM].sum(1).mean(1)
        bounded = np.clip(said, -LARGEST_MOVE, LARGEST_MOVE) - np.clip(mixed, -LARGEST_MOVE, LARGEST_MOVE)[:, None]
        off = np.where(np.isnan(said), np.float32(0.0), bounded)
        doubt = np.sqrt((weights * off * off).sum(1)) * reach
        self._intervals.open(rows, step, value, spread, mixed * reach, doubt)

    def _standing(self, rows: Rows) -> Standing:
        return self._mixture.standing(rows, self._pool.losses, self.rules.horizon, self._kin.gain)

    def _plain(self, rows: Rows, value: Floats, view: View, reach: Floats) -> Floats:
        """How far each expert that needs no network says that values will move, in reaches; NaN: it says nothing."""
        horizon, each = self.rules.horizon, reach[:, None]
        said = np.zeros((len(rows), Expert.LSTM, horizon), np.float32)
        said[:, Expert.SHARED_ON_LAGS] = view.linear
        said[:, Expert.GROUP] = view.linear + self._sight.correction(rows, view.corrections, horizon)
        said[:, REPEATING] = ratio(seasonal_moves(rows, self._memory, horizon), each)
        np.clip(said, -LARGEST_MOVE, LARGEST_MOVE, out=said)
        smooth, last = self._smoothers.moves(rows, value, horizon), returning_moves(rows, self._memory, horizon)
        going_on = ratio(np.concatenate([smooth, last], 1), each)
        said[:, GOING_ON] = np.clip(going_on, -LARGEST_FREE_MOVE, LARGEST_FREE_MOVE)
        return said

    def _by_the_lstm(self, rows: Rows, origins: Origins, plain: Floats, output: Floats) -> Floats:
        """How far those say that need it, given what the others say together and its output (N, H)."""
        pool = self._pool
        self._readouts.start(rows, pool.weights)
        own = self._readouts.step(rows, origins, pool.gains, self._drift.alarm)
        shared = product(origins.regressors[:, 0], pool.shared).reshape(len(rows), -1, self.rules.horizon)
        corrections = np.concatenate([own[:, None], shared], 1)
        moves: Floats = np.concatenate([output[:, None], plain[:, None] + corrections], 1)
        np.clip(moves, -LARGEST_MOVE, LARGEST_MOVE, out=moves)
        return moves

    def _start_again(self, rows: Rows) -> None:
        if len(rows):
            for columns in self._of_the_model().values():
                columns.clear(rows)

    def _expected(self, rows: Rows) -> npt.NDArray[np.float64]:
        """What was forecast for the next step of each series."""
        move = self._memory.factor(rows) * self._intervals.newest[rows, 0]
        expected: npt.NDArray[np.float64] = self._memory.latest[rows] + move
        return expected

    def _offer_windows(self, rows: Rows, position: npt.NDArray[np.int64]) -> None:
        start = self._memory.age[rows] - self.rules.window - self.rules.horizon
        due = (start >= 0) & (start % SNAPSHOT_EVERY == 0)
        if not due.any():
            return
        stretch = self._past.stretch(rows[due], start[due], self._memory, self._reach(rows[due]), self.rules.window)
        with np.errstate(over="ignore"):
            identity = self._identity[rows[due]] + start[due].astype(np.uint64)
        self._replay.offer(stretch, identity, position[due], self._offered)
        self._offered_since += int(due.sum())

    def _write_out(self, steps: Steps, surprise: npt.NDArray[np.float64], forecasts: Forecasts) -> None:
        asked = steps.asked
        rows, where = steps.rows[asked], steps.source[asked]
        made = self._forecast(rows, steps.time[asked])
        check_finite(quantiles=made.quantiles)
        for column, part in zip(forecasts[1:], made[1:], strict=True):
            column[where] = part
        forecasts.surprise[where] = surprise[asked]
        forecasts.restart[where] = steps.restart[asked]

    def _write_opinions(self, steps: Steps, moves: Floats, weights: Floats, opinions: Opinions) -> None:
        asked, where, rows = steps.asked, steps.source[steps.asked], steps.rows[steps.asked]
        factor, latest = self._memory.factor(rows)[:, None, None], self._memory.latest[rows, None, None]
        opinions.said[where] = latest + factor * moves[asked]
        opinions.weights[where] = weights[asked]

    def _forecast(self, rows: Rows, time: npt.NDArray[np.int64]) -> Forecasts:
        """From the newest step of each of these series."""
        intervals, slot = self._intervals, (self._memory.age[rows] - 1) % self.rules.horizon
        spread = intervals.origin_spread[rows, slot]
        factor = self._memory.factor(rows)
        mean = self._memory.latest[rows, None] + factor[:, None] * intervals.newest[rows]
        around = factor[:, None, None] * intervals.quantiles(rows, spread, self.rules.quantiles)
        around[factor < 0] = around[factor < 0, :, ::-1]
        return Forecasts(
            outcome=np.zeros(len(rows), np.uint8),
            origin=time,
            mean=mean,
            quantiles=mean[:, :, None] + around,
            scale=np.abs(factor) * spread,
            warming=intervals.scored[rows] < WARM,
            surprise=np.full(len(rows), np.nan),
            updates=np.full(len(rows), self._learner.updates),
            lstm_share=self._mixture.lstm_share[rows].astype(np.float64),
            step=self._memory.step[rows] / SECOND,
            drifts=np.full(len(rows), self.drifts),
            restart=np.zeros(len(rows), np.bool_),
        )

    # What it learns

    def _interval(self) -> int:
        """Steps from one learning step to the next: few series are learnt from often, many seldom."""
        if not self.rules.effort:
            return NEVER
        return max(1, round(min(max(self._alive() / 3, 4.0), 512.0) / self.rules.effort))

    def _learn(self, source: int) -> None:
        try:
            self.lesson = self._lesson()
        except RAISED as error:
            self._learner.skipped += 1
            self.faults.append(Fault(None, source, "learning", told(error)))
        self._next_lesson = self._steps + self._interval()
        self._offered, self._offered_since = self._offered + self._offered_since, 0
        self._seen.clear()

    def _lesson(self) -> Lesson:
        generator = np.random.default_rng([self.rules.seed, self._learner.updates, self._learner.skipped])
        seen = np.fromiter(self._seen, np.int64, len(self._seen))
        rows = generator.choice(seen, min(max(1, self.rules.windows // 4), len(seen)), replace=False)
        newest = self._past.newest(rows, self._memory, self._reach(rows), self.rules.window)
        replayed = self._replay.draw(self.rules.windows - len(rows), generator)
        return self._learner.learn(Stretch.joined(newest, replayed).windows(), self._drift.alarm)

    def _fold(self, source: int) -> None:
        """Let the pool know of the last steps of all series; what raises is skipped, and leaves what was before."""
        alive, steps = max(self._alive(), 1), self._steps - self._folded
        try:
            self._pool.fold(steps, alive)
        except RAISED as error:
            self.faults.append(Fault(None, source, "pool", told(error)))
        try:
            self._drift.fold(steps, alive)
        except RAISED as error:
            self._drift.forget()
            self.faults.append(Fault(None, source, "drift", told(error)))
        try:
            self._kin.learn(self._memory, self._intervals, self._mixture)
        except RAISED as error:
            self.faults.append(Fault(None, source, "kin", told(error)))
        self._folded, self._next_fold = self._steps, self._steps + Pool.interval(alive)

    def _alive(self) -> int:
        """Series gone through so far; `names` has also those that only come later in this call."""
        return int(np.count_nonzero(self._memory.age))

    def _reach(self, rows: Rows) -> Floats:
        return self._intervals.reaches(rows, self._memory.floored(rows), self._memory.age[rows], self._kin.reach)

    # What can be asked

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
        return self._breaks

    def forecast(self, series: Sequence[str]) -> Forecasts:
        """The newest forecasts of these series again; changes nothing.

        Raises
        ------
        KeyError
            A series was never observed.
        """
        rows = np.asarray([self.names[name] for name in series], np.int64)
        return self._forecast(rows, self._grid.last[rows])

    def observations(self, series: str) -> int:
        """How many steps of a series there have been since it started, filled ones among them; 0 if none."""
        return int(self._memory.age[self.names[series]]) if series in self.names else 0

    def recent(self, series: str, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Times in microseconds and values of the last steps of a series, oldest first; NaN where one was missing.

        No more than are kept to learn from. Times are told a step apart, which they are on a grid. Where a series has
        broken, values of before it are told in the sign and unit of now, and those not to be learnt from are NaN.
        """
        row = np.asarray([self.names[series]])
        count = min(count, int(self._memory.age[row[0]]), self._past.observed.shape[1])
        lags = np.arange(count)[::-1]
        values = self._memory.factor(row) * self._memory.look_back(row, lags[None])[0] + self._memory.first[row[0]]
        observed = self._past.observed[row[0], (self._memory.age[row[0]] - 1 - lags) % self._past.observed.shape[1]]
        step = int(self._grid.step[row[0]]) or SECOND
        return int(self._grid.last[row[0]]) - lags * step, np.where(observed, values, np.nan)

    def errors(self, series: str | None = None) -> tuple[float, float]:
        """Mean absolute one-step error of the model and of the last value: of a series in its own unit, or of all.

        Of all, each series counts in its own spreads.
        """
        rows = np.arange(len(self.names)) if series is None else np.asarray([self.names[series]])
        rows = rows[self._intervals.scored[rows] > 0]
        if not len(rows):
            return 0.0, 0.0
        unit = self._memory.floored(rows) if series is None else 1.0 / np.abs(self._memory.factor(rows))
        model, last_value = ratio(self._intervals.absolute[rows], unit[:, None]).mean(0).tolist()
        return model, last_value

    def expert_weights(self) -> Floats:
        """Mean weight of each expert (E,) in the means of up to 256 series, over all horizons; zeros for no series."""
        rows = np.flatnonzero(self._memory.age > 0)[:256]
        if not len(rows):
            return np.zeros(len(Expert), np.float32)
        there: npt.NDArray[np.bool_] = np.asarray((self._mixture.mass[rows] > 0).any(2))
        mean: Floats = self._standing(rows).weights(there).mean((0, 2))
        return mean

    def gates(self) -> Gates:
        """Mean activations of the gates, over up to 256 series at their last snapshot."""
        rows = np.flatnonzero(self._memory.age > 0)[:256]
        if not len(rows):
            return Gates(0.0, 0.0, 0.0)
        return self._learner.average.gates(*self._past.last_met(rows, self._memory))

    # What is kept

    def dump(self) -> tuple[dict[str, object], dict[str, Array]]:
        """The whole state: numbers for a header, and arrays by name."""
        header: dict[str, object] = {
            "format": FORMAT,
            "rules": msgspec.to_builtins(asdict(self.rules)),
            "steps": self._steps,
            "next_lesson": self._next_lesson,
            "offered": self._offered,
            "offered_since": self._offered_since,
            "seen": list(self._seen),
            "folded": self._folded,
            "next_fold": self._next_fold,
            "updates": self._learner.updates,
            "skipped": self._learner.skipped,
            "groups": self._sight.groups.total,
            "breaks": self._breaks,
        }
        arrays: dict[str, Array] = {"names": np.frombuffer(msgspec.json.encode(list(self.names)), np.uint8)}
        for part, columns in self._columns().items():
            arrays |= {f"{part}.{name}": array for name, array in columns.dump(len(self.names)).items()}
        groups = self._sight.groups
        arrays |= {f"groups.{name}": array for name, array in groups.dump(groups.total).items()}
        arrays |= {f"replay.{name}": array for name, array in self._replay.dump().items()}
        arrays |= {f"pool.{name}": array for name, array in self._pool.dump(self._steps - self._folded).items()}
        arrays |= {f"kin.{name}": array for name, array in self._kin.dump().items()}
        arrays |= {f"drift.{name}": array for name, array in self._drift.dump(self._steps - self._folded).items()}
        arrays |= {f"learner.{name}": array for name, array in self._learner.dump().items()}
        return header, arrays

    @classmethod
    def load(cls, header: Mapping[str, object], arrays: Mapping[str, Array]) -> "Bank":
        """The bank of a `dump`.

        Raises
        ------
        DumpError
            It was made by a version that keeps other things.
        """
        if header.get("format") != FORMAT:
            raise DumpError(f"the dump has format {header.get('format')}, and this version reads {FORMAT}")
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
        self._identity[:] = [_identity(name) for name in names]
        for part, columns in self._columns().items():
            columns.load(_under(f"{part}.", arrays))
        self._sight.groups.grow(state.groups)
        self._sight.groups.load(_under("groups.", arrays))
        self._replay.load(_under("replay.", arrays))
        self._pool.load(_under("pool.", arrays))
        self._kin.load(_under("kin.", arrays))
        self._drift.load(_under("drift.", arrays))
        self._learner.load(_under("learner.", arrays), state.updates, state.skipped)
        self._breaks = state.breaks
        self._steps, self._next_lesson = state.steps, state.next_lesson
        self._offered, self._offered_since = state.offered, state.offered_since
        self._seen = dict.fromkeys(state.seen)
        self._folded, self._next_fold = state.folded, state.next_fold


class _Header(msgspec.Struct, frozen=True):
    """The numbers of a dump."""

    format: int
    rules: Hyperparameters
    steps: int
    next_lesson: int
    offered: int
    offered_since: int
    seen: list[int]
    folded: int
    next_fold: int
    updates: int
    skipped: int
    groups: int
    breaks: int


def _mixed(standing: Standing, said: Floats) -> tuple[Floats, Floats]:
    """The mixture (N, H) of what the experts say, NaN where one says nothing, and their weights (N, E, H)."""
    there = ~np.isnan(said[:, :, 0])
    weights = standing.weights(there)
    return (weights * np.where(there[:, :, None], said, np.float32(0.0))).sum(1), weights


def _identity(name: str) -> int:
    """A number for a series that depends on its name alone."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
