"""What the series of a bank teach all of them: the network, pooled regressions, drift and pooled priors.

All of it happens at fixed counts of steps, and depends on the observations and their order alone.
"""

from collections.abc import Mapping

import numpy as np

from lstm_stream.arithmetic import Wholes
from lstm_stream.columns import Array, over, under
from lstm_stream.drift import Drift
from lstm_stream.expert_losses import TINY
from lstm_stream.experts import assumed_losses
from lstm_stream.faults import RAISED, Fault, Stage, told
from lstm_stream.header import Header
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.learner import Learner, Lesson, interval
from lstm_stream.move_scale import write_move_scale
from lstm_stream.network import Network
from lstm_stream.notes import OFFERED, SEEN, STEPS
from lstm_stream.pooled import FEWEST_STEPS, MOST_STEPS, Pooled
from lstm_stream.pretrained import fitted, nothing
from lstm_stream.priors import Priors
from lstm_stream.references import refer
from lstm_stream.replay import Replay, Stretches, copy_stretch
from lstm_stream.scale import spread_of
from lstm_stream.series import Series
from lstm_stream.state import Shared, State, Tables
from lstm_stream.trace import SNAPSHOT_EVERY
from lstm_stream.weights import PretrainedWeights, packaged

NEVER = 2**62
"""Steps until a learning step that is not to come."""


class Learning:
    """What is learnt of all series, and when it is learnt next.

    Parameters
    ----------
    rules, tables
        Of the bank.
    network
        Class of the network that learns.
    weights
        Of the pretrained network.
    """

    def __init__(
        self, rules: Hyperparameters, tables: Tables, network: type[Network], weights: PretrainedWeights
    ) -> None:
        self._rules, self._tables = rules, tables
        features, units, horizon = tables.features.total, rules.hidden_size, rules.horizon
        self.learner = Learner(network(features, units, horizon, rules.seed), rules.learning_rate)
        pretrained = fitted(weights.singles(), tables.features, horizon) if rules.pretrained else nothing()
        self._pretrained = pretrained._replace(weights=network.seen(pretrained.weights))
        losses = assumed_losses(tables.scoring.horizon)
        self.pooled = Pooled(features, tables.features.base, units, horizon, losses)
        self.replay = Replay.empty(rules.replay, rules.window, horizon, features, units)
        self.drift = Drift()
        self.priors = Priors(horizon, rules.pretrained)
        self.counts = np.zeros(5, np.int64)
        """Moved on by what goes through the observations, see `notes`."""
        self._next_lesson = self._interval(0)
        self.folded = 0
        """Steps that the pooled regressions know of."""
        self._next_fold = FEWEST_STEPS
        self._read = 0  # steps that the detection of drift and the pooled priors know of
        self._next_reading = FEWEST_STEPS
        self.offered = 0
        """Windows that were offered to replay before the current learning interval began."""
        self._weights = weights
        self.lesson = Lesson(False, 0.0, 0.0)
        self._faults: list[Fault] = []
        self.shared = self._share()

    @property
    def steps(self) -> int:
        """Of all series so far."""
        return int(self.counts[STEPS])

    @property
    def due(self) -> int:
        """How many steps there are when something is to be learnt next."""
        return min(self._next_lesson, self._next_fold, self._next_reading)

    def learn(self, state: State, series: Series, source: int) -> list[Fault]:
        """Learn what is due now.

        Parameters
        ----------
        source
            The last observation of the call that was gone through.

        Returns
        -------
        What raised, and was skipped.
        """
        if self.steps >= self._next_fold:
            self._fold(state, source)
        elif self.steps >= self._next_reading:
            self._read_on(state, source)
        if self.steps >= self._next_lesson:
            self._teach(state, series, source)
        faults, self._faults = self._faults, []
        return faults

    def _interval(self, alive: int) -> int:
        """Steps from one learning step to the next."""
        if not self._rules.effort:
            return NEVER
        return max(1, round(interval(alive, self.steps) / self._rules.effort))

    def _teach(self, state: State, series: Series, source: int) -> None:
        """Take a learning step; one that raises is skipped."""
        seen = series.latest[: self.counts[SEEN]]
        try:
            self.lesson = self._lesson(state, seen)
        except RAISED as error:
            self.learner.skipped += 1
            self._fault(source, "learning", error)
        self._next_lesson = self.steps + self._interval(_alive(state))
        self.offered += int(self.counts[OFFERED])
        series.lately[seen] = False
        self.counts[OFFERED] = self.counts[SEEN] = 0
        self.shared = self._share()

    def _fault(self, source: int, stage: Stage, error: BaseException) -> None:
        self._faults.append(Fault(None, source, stage, told(error)))

    def _lesson(self, state: State, seen: Wholes) -> Lesson:
        generator = np.random.default_rng([self._rules.seed, self.learner.updates, self.learner.skipped])
        rows = generator.choice(seen, min(max(1, self._rules.windows // 4), len(seen)), replace=False)
        newest, replayed = self._newest(state, rows), self.replay.draw(self._rules.windows - len(rows), generator)
        joined = Stretches(*(np.concatenate(parts) for parts in zip(newest, replayed, strict=True)))
        return self.learner.learn(joined.windows(), self.drift.alarm)

    def _newest(self, state: State, rows: Wholes) -> Stretches:
        """The newest window of each of these series, its last steps still without some targets."""
        rules = self._rules
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
            write_move_scale(moves, i, moving, spread, self.priors.move_scale, windows.scale[slot])
            copy_stretch(to, slot, history, trace, i, start, windows.scale[slot])
        return windows

    def _read_on(self, state: State, source: int) -> None:
        """Look for drift in the last errors, and at what grown series have in common; what raises is skipped."""
        series = max(_alive(state), 1)
        try:
            self.drift.fold(self.pooled.notes.errors[self._read - self.folded : self.steps - self.folded], series)
        except RAISED as error:
            self.drift.forget()
            self._fault(source, "drift", error)
        try:
            self.priors.learn(state.history, state.scale, state.moves, state.combination)
        except RAISED as error:
            self._fault(source, "priors", error)
        self._read, self._next_reading = self.steps, self.steps + min(max(FEWEST_STEPS, series), MOST_STEPS)
        self.shared = self._share()

    def _fold(self, state: State, source: int) -> None:
        """Bring the pooled regressions up to date; what raises is skipped, and leaves what was before."""
        self._read_on(state, source)
        series = max(_alive(state), 1)
        try:
            self.pooled.fold(self.steps - self.folded, series)
        except RAISED as error:
            self._fault(source, "pooled", error)
        self.folded, self._next_fold = self.steps, self.steps + Pooled.interval(series, self.steps)
        self.shared = self._share()

    def _share(self) -> Shared:
        """What the series share now."""
        regressions, marks = self.pooled.regressions, self._tables.readout.marks
        return Shared(
            weights=self.learner.weights,
            pretrained=self._pretrained,
            inverse=regressions.inverse,
            readout=np.ascontiguousarray(regressions.own[:, marks - 1].T),
            on_lags=regressions.on_lags,
            log_losses=np.log(self.pooled.losses + TINY),
            gain=self.priors.gain,
            move_scale=self.priors.move_scale,
            roughness=self.priors.roughness,
            alarm=self.drift.alarm,
            updates=self.learner.updates,
            drifts=self.drift.total,
        )

    def dump(self) -> dict[str, Array]:
        """The state by name, and the pretrained weights unless the package has them; a copy."""
        arrays = over("replay", self.replay.dump())
        arrays |= over("pooled", self.pooled.dump(self.steps - self.folded))
        arrays |= over("priors", self.priors.dump())
        arrays |= over("drift", self.drift.dump())
        arrays |= over("learner", self.learner.dump())
        if self._weights.units and self._weights != packaged():
            arrays |= over("weights", self._weights.arrays)
        return arrays

    def header(self) -> dict[str, object]:
        """The numbers of a dump."""
        return {
            "next_lesson": self._next_lesson,
            "offered": self.offered,
            "counts": self.counts.tolist(),
            "folded": self.folded,
            "next_fold": self._next_fold,
            "read": self._read,
            "next_reading": self._next_reading,
            "updates": self.learner.updates,
            "skipped": self.learner.skipped,
            "weights": self._weights.digest,
        }

    def load(self, header: Header, arrays: Mapping[str, Array]) -> None:
        """Take the state of a dump."""
        self.counts[:] = header.counts
        self.replay.load(under("replay", arrays))
        self.pooled.load(under("pooled", arrays))
        self.priors.load(under("priors", arrays))
        self.drift.load(under("drift", arrays))
        self.learner.load(under("learner", arrays), header.updates, header.skipped)
        self._next_lesson, self.offered = header.next_lesson, header.offered
        self.folded, self._next_fold = header.folded, header.next_fold
        self._read, self._next_reading = header.read, header.next_reading
        self.shared = self._share()


def _alive(state: State) -> int:
    """Series gone through so far; there is room for some that are still to come."""
    return int(np.count_nonzero(state.history.age))
